"""`vlm evaluate`: checkpoints on benchmarks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vlm.commands.app import app
from vlm.options import AskedOrder, Data


@app.command(
    epilog="`vlm evaluate runs/world_pair --out runs/world_pair/answers` · "
    "`vlm evaluate runs/world/RUN --benchmark world-grounding --limit 50 --out results/try`"
)
def evaluate(
    models: Annotated[list[Path], typer.Argument(help="Checkpoints, runs, or folders of runs.", metavar="MODEL...")],
    out: Annotated[Path, typer.Option(help="Folder for predictions, tables and the figure.")],
    benchmark: Annotated[
        list[str] | None,
        typer.Option(help="A benchmark; may be given again. All of the world unless given."),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for tables and figure, without predictions; --out unless given.")
    ] = None,
    data: Data = None,
    split: Annotated[str, typer.Option(help="test or validation.")] = "test",
    order: AskedOrder = None,
    limit: Annotated[int | None, typer.Option(help="Questions of each benchmark, the first ones.", min=1)] = None,
) -> None:
    """Ask models the questions of benchmarks, and compare them question by question.

    Every prediction is kept. What was interrupted goes on where it stopped, and what is done is not asked again.
    """
    from training.config import require_choice
    from vlm.evaluate.benchmarks import BENCHMARKS
    from vlm.evaluate.evaluate import evaluate as evaluate_all
    from vlm.prompt import ORDERS
    from vlm.runs import find_models

    if order is not None:
        require_choice("order", order, ORDERS)
    require_choice("split", split, ("test", "validation"))
    asked: Any = {"order": order, "split": split}
    evaluate_all(find_models(models, data), benchmark or list(BENCHMARKS), out, figures=figures, limit=limit, **asked)
