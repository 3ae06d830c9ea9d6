"""`vlm evaluate`: checkpoints on benchmarks."""

from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from vlm.commands.app import app
from vlm.commands.interruption import to_its_end
from vlm.options import AskedOrder, Data


@app.command(
    epilog="`vlm evaluate runs/world_pair --out runs/world_pair/answers` · "
    "`vlm evaluate models/mambavl_1.4b --data data/benchmarks --limit 50 --out results/try` · "
    "`accelerate launch -m vlm evaluate models/mambavl_1.4b --data data/benchmarks --out results/mambavl_1.4b`"
)
def evaluate(
    models: Annotated[list[Path], typer.Argument(help="Checkpoints, runs, or folders of runs.", metavar="MODEL...")],
    out: Annotated[Path, typer.Option(help="Folder for predictions, tables and the figure.")],
    benchmark: Annotated[
        list[str] | None,
        typer.Option(help="A benchmark; may be given again. All that the data are of unless given."),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for tables and figure, without predictions; --out unless given.")
    ] = None,
    data: Data = None,
    split: Annotated[str, typer.Option(help="test or validation.")] = "test",
    order: AskedOrder = None,
    limit: Annotated[
        int | None,
        typer.Option(help="Questions of each benchmark, the first ones. More can be asked later.", min=1),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Questions answered at once, for speed and memory; 64 unless given.", min=1)
    ] = None,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 autocast over the same weights.")] = "fp32",
    one_expression: Annotated[
        bool, typer.Option(help="Of each object in RefCOCO, its last expression alone, as published.")
    ] = False,
) -> None:
    """Ask models the questions of benchmarks, and compare them question by question.

    Every prediction is kept. What was interrupted goes on where it stopped, and what is done is not asked again. Ask
    --limit 50 first: it goes through everything to the figure.
    """
    from training.config import Precision, require_choice
    from vlm.evaluate.answer import BATCH
    from vlm.evaluate.evaluate import evaluate as evaluate_all
    from vlm.prompt import ORDERS
    from vlm.runs import find_models

    if order is not None:
        require_choice("order", order, ORDERS)
    require_choice("split", split, ("test", "validation"))
    require_choice("precision", precision, get_args(Precision))
    asked: Any = {
        "order": order,
        "split": split,
        "limit": limit,
        "precision": precision,
        "one_expression": one_expression,
    }
    found = find_models(models, data)
    with to_its_end("The same command goes on."):
        evaluate_all(found, benchmark or [], out, figures=figures, batch=batch or BATCH, **asked)
