"""`vlm inspect`: samples as a model sees them."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from training.config import ConfigError, require, require_choice
from vlm.commands.app import app
from vlm.options import OrderName


@app.command(
    epilog="`vlm inspect data/world --index 3 --out sample.html` · `vlm inspect data/world --pack 24 --out pack.png` · "
    "`vlm inspect data/world --sheet --out sheet.html`"
)
def inspect(
    data: Annotated[Path, typer.Argument(help="Folder of samples.", metavar="DIR")],
    out: Annotated[Path, typer.Option(help="File to write: .html or .png.")],
    index: Annotated[int | None, typer.Option(help="Number of the sample in its split.", min=0)] = None,
    sample: Annotated[str | None, typer.Option("--id", help="Id of the sample, in place of its number.")] = None,
    pack: Annotated[int | None, typer.Option(help="Show this many samples packed.", min=1)] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="Show random samples of each task.")] = False,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "train",
    order: OrderName = "task-agnostic",
    case: Annotated[str, typer.Option(help="Of text: kept, or lowered as in the paper.")] = "kept",
    vocabulary: Annotated[str, typer.Option(help="gpt-neox-20b, world, or a checkpoint.")] = "gpt-neox-20b",
    grid: Annotated[str, typer.Option(help="Rows x columns of patches.")] = "24x24",
    max_length: Annotated[int, typer.Option(help="Most tokens of a sample.", min=1)] = 1024,
    pack_length: Annotated[int, typer.Option(help="Most tokens of a row of samples.", min=1)] = 8192,
    seed: Annotated[int, typer.Option(help="Of the samples on the sheet, and of their order in a pack.")] = 0,
) -> None:
    """Draw a sample (picture, boxes, tokens, what carries loss), a pack of samples, or a sheet of all tasks."""
    from vlm.dataset import read_split
    from vlm.inspect.pack import inspect_pack
    from vlm.inspect.sample import inspect_sample
    from vlm.inspect.sheet import sheet as draw_sheet
    from vlm.pictures import to_pixels
    from vlm.prompt import ORDERS
    from vlm.stream import Stream
    from vlm.vocabulary import read_vocabulary

    asked = [index is not None, sample is not None, pack is not None, sheet]
    require(sum(asked) == 1, "say one thing to look at: --index, --id, --pack or --sheet.")
    require_choice("split", split, ("train", "validation", "test"))
    require_choice("order", order, ORDERS)
    require_choice("case", case, ("kept", "lowered"))
    said: Any = {"order": order, "case": case, "max_length": max_length}
    which: Any = split
    if sheet:
        draw_sheet(data, which, out, seed=seed)
    elif pack is not None:
        samples, words = read_split(data, which), read_vocabulary(vocabulary)
        stream = Stream(samples, data, words, _grid(grid), partial(to_pixels, size=1), seed=seed, **said)
        layouts = [layout for number in range(pack) if (layout := stream.layout(number)) is not None]
        require(bool(layouts), f"none of the first {pack} samples fits into {max_length} tokens: say a larger number.")
        inspect_pack(layouts, pack_length, out)
    else:
        shown = index if index is not None else sample or ""
        inspect_sample(data, which, shown, vocabulary=read_vocabulary(vocabulary), grid=_grid(grid), out=out, **said)
    print(out)


def _grid(text: str) -> tuple[int, int]:
    try:
        rows, columns = (int(part) for part in text.split("x"))
    except ValueError as error:
        raise ConfigError(f"a grid is ROWSxCOLUMNS, such as 24x24, and not {text}.") from error
    require(rows > 0 and columns > 0, f"a grid has rows and columns, and {text} has not.")
    return rows, columns
