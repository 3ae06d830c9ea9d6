"""`vlm compare`: two models on the questions that both were asked."""

from pathlib import Path
from typing import Annotated

import typer

from vlm.commands.app import app
from vlm.commands.interruption import to_its_end


@app.command(
    epilog="`vlm compare answers/pythia-task-agnostic answers/mamba-task-agnostic --out answers/compared` · "
    "`vlm compare a/world-vqa.jsonl b/world-vqa.jsonl --json`"
)
def compare(
    a: Annotated[Path, typer.Argument(help="Predictions of one benchmark, or a folder of them.", metavar="A")],
    b: Annotated[Path, typer.Argument(help="The same of the model that is compared with A.", metavar="B")],
    out: Annotated[Path | None, typer.Option(help="Folder for tables and a figure.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for a script.")] = False,
) -> None:
    """Say how much higher B scores than A on what both were asked, and whether that could be chance.

    Each benchmark, its groups and kinds of questions, and groups of tasks: paired differences with their intervals, and
    tests.
    """
    import json
    import sys

    from rich.console import Console

    from training.run import require_folder
    from vlm.evaluate.comparison import screen
    from vlm.evaluate.comparison.compare import compare_benchmarks, compare_tasks
    from vlm.evaluate.comparison.paired import read_paired

    if out is not None:
        require_folder(out, "the tables")
    compared, left_out = read_paired(a, b)
    for sentence in left_out:
        print(sentence, file=sys.stderr)
    with to_its_end("The same command begins anew."):
        benchmarks, tasks = compare_benchmarks(compared), compare_tasks(compared)
        if out is not None:
            from vlm.evaluate.comparison.forest import draw_differences

            draw_differences(benchmarks, tasks, out, str(a), str(b))
            benchmarks.to_csv(out / "comparison.csv", index=False)
            tasks.to_csv(out / "comparison-tasks.csv", index=False)
    if as_json:
        print(json.dumps(screen.as_json(a, b, benchmarks, tasks), indent=1, allow_nan=False))
    else:
        screen.print_comparison(Console(), a, b, benchmarks, tasks)
