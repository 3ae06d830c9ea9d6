"""`vlm import` and `vlm export`: checkpoints of the paper's public implementation, to and from folders of ours."""

from pathlib import Path
from typing import Annotated, cast

import typer

from vlm.commands.app import app
from vlm.commands.interruption import to_its_end
from vlm.options import Checkpoint, OrderName

Out = Annotated[Path, typer.Option(help="A new folder for the model.")]


@app.command(
    "import",
    epilog="`vlm import downloads/finetuned_mambavl_1.4b --out models/mamba-vl-1.4b`",
)
def import_(
    folder: Annotated[Path, typer.Argument(help="Folder of a Mamba-VL or Pythia-VL.", metavar="DIR")],
    out: Out,
    vision: Annotated[
        str | None, typer.Option(help="timm/MODEL or clip/HUB-NAME-OR-FOLDER, where its config.json names another.")
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Side of the pictures, where its config.json has another.", min=1)
    ] = None,
    order: OrderName = "task-agnostic",
    max_length: Annotated[
        int | None, typer.Option(help="Most tokens of a sequence; that of the paper unless given.", min=1)
    ] = None,
) -> None:
    """Turn a released Mamba-VL or Pythia-VL into a model that all commands here take."""
    from training.config import require_choice
    from training.runner import quieten_transformers
    from vlm.prompt import ORDERS, Order
    from vlm.released.importing import import_released
    from vlm.released.summary import of_import

    require_choice("order", order, ORDERS)
    quieten_transformers()
    asked = cast(Order, order)
    with to_its_end("Nothing was left of what had been written."):
        found = import_released(folder, out, vision=vision, image_size=image_size, order=asked, max_length=max_length)
    for line in of_import(found, out):
        print(line)


@app.command("export", epilog="`vlm export runs/world/RUN --out models/for-the-public-implementation`")
def export(model: Checkpoint, out: Out) -> None:
    """Turn a model with EVA or CLIP into the layout of the paper's public implementation.

    One that was imported comes out as it was.
    """
    from training.runner import quieten_transformers
    from vlm.released.exporting import export_released
    from vlm.released.summary import of_export

    quieten_transformers()
    with to_its_end("Nothing was left of what had been written."):
        exported = export_released(model, out)
    for line in of_export(exported, out):
        print(line)
