"""`vlm inspect`: samples as a model sees them."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from training.config import ConfigError, require, require_choice
from vlm.commands.app import app


@app.command(
    epilog="`vlm inspect data/world --index 3 --out sample.html` · `vlm inspect data/world --pack 24 --out pack.png` · "
    "`vlm inspect data/world --sheet --out sheet.html`"
)
def inspect(
    data: Annotated[str, typer.Argument(help="Folder of samples, or its URL.", metavar="DIR")],
    out: Annotated[Path, typer.Option(help="File to write: .html or .png.")],
    index: Annotated[int | None, typer.Option(help="Number of the sample in its split.", min=0)] = None,
    sample: Annotated[str | None, typer.Option("--id", help="Id of the sample, in place of its number.")] = None,
    pack: Annotated[int | None, typer.Option(help="Show this many samples packed.", min=1)] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="Show random samples of each task.")] = False,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "train",
    model: Annotated[
        Path | None, typer.Option(help="As this trained model reads it, in what is not given of the following five.")
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(help="task-agnostic (picture, instruction; the default), task-aware (the reverse), query-first."),
    ] = None,
    case: Annotated[str | None, typer.Option(help="Of text: kept (the default), or lowered as in the paper.")] = None,
    vocabulary: Annotated[str | None, typer.Option(help="gpt-neox-20b (the default), world, or a checkpoint.")] = None,
    grid: Annotated[str | None, typer.Option(help="Rows x columns of patches; 24x24 by default.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Most tokens of a sample; 1024 by default.", min=1)] = None,
    pack_length: Annotated[int, typer.Option(help="Most tokens of a row of samples.", min=1)] = 8192,
    seed: Annotated[int, typer.Option(help="Of the samples on the sheet, and of their order in a pack.")] = 0,
) -> None:
    """Draw a sample (picture, boxes, tokens, what carries loss), a pack of samples, or a sheet of all tasks."""
    from vlm.dataset import open_split
    from vlm.inspect.pack import inspect_pack
    from vlm.inspect.page import require_file
    from vlm.inspect.sample import inspect_sample
    from vlm.inspect.sheet import sheet as draw_sheet
    from vlm.pixels import to_pixels
    from vlm.prompt import ORDERS
    from vlm.stream import Stream
    from vlm.vocabulary import read_vocabulary

    asked = [index is not None, sample is not None, pack is not None, sheet]
    require(sum(asked) == 1, "say one thing to look at: --index, --id, --pack or --sheet.")
    require_choice("split", split, ("train", "validation", "test"))
    if order is not None:
        require_choice("order", order, ORDERS)
    if case is not None:
        require_choice("case", case, ("kept", "lowered"))
    require_file(out, *((".html",) if sheet else (".html", ".png")))
    named: Any = split
    samples = open_split(data, named)
    require(len(samples) > 0, f"{data} has no {split} samples: name another --split, or other data.")
    read = _read_by(model) | ({"grid": _grid(grid)} if grid is not None else {})
    given = {"order": order, "case": case, "vocabulary": vocabulary, "max_length": max_length}
    said: Any = read | {name: value for name, value in given.items() if value is not None}
    said["vocabulary"] = read_vocabulary(said["vocabulary"])
    if sheet:
        draw_sheet(data, named, out, seed=seed)
    elif pack is not None:
        stream = Stream(samples, to_pixels=partial(to_pixels, size=1), seed=seed, **said)
        layouts = [layout for number in range(pack) if (layout := stream.layout(number)) is not None]
        require(
            bool(layouts),
            f"none of the first {pack} samples fits into {said['max_length']} tokens: say a larger number.",
        )
        inspect_pack(layouts, pack_length, out)
    else:
        shown = index if index is not None else sample or ""
        inspect_sample(data, named, shown, out=out, **said)
    print(out)


def _read_by(model: Path | None) -> dict[str, Any]:
    """How a trained model reads samples; without one, as with the encoder of the paper."""
    if model is None:
        names = ("order", "case", "vocabulary", "max_length", "grid")
        return dict(zip(names, ("task-agnostic", "kept", "gpt-neox-20b", 1024, (24, 24)), strict=True))
    from vlm.runs import find_model
    from vlm.vision import outline_of

    found = find_model(model)
    its = found.architecture
    return {
        "order": its.order,
        "case": its.case,
        "vocabulary": str(found.checkpoint),
        "max_length": its.max_length,
        "grid": outline_of(its.vision).grid,
    }


def _grid(text: str) -> tuple[int, int]:
    try:
        rows, columns = (int(part) for part in text.split("x"))
    except ValueError as error:
        raise ConfigError(f"a grid is ROWSxCOLUMNS, such as 24x24, and not {text}.") from error
    require(rows > 0 and columns > 0, f"a grid has rows and columns, and {text} has not.")
    return rows, columns
