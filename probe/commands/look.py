"""The commands that run nothing: `probe plot`, `export`, `sample` and `doctor`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from probe.commands.app import app
from probe.options import DataSeed, Length, Order, Pool, ScoreEnd, SupervisionOption, parse_steps
from training.options import Runs


@app.command(epilog="`probe plot runs/quick --out figures/quick`")
def plot(
    folder: Runs,
    out: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("figures"),
    steps: Annotated[
        str | None,
        typer.Option(help="Steps of the position lines, such as 500,1000; those of 25, 50, 75, 95 % if left out."),
    ] = None,
) -> None:
    """Draw the figures of the runs below DIR: each as PNG and PDF, with a CSV of what is drawn."""
    from probe.figures import draw_all

    for path in draw_all(folder, out, parse_steps(steps)):
        print(path)


@app.command(
    epilog="`probe export runs/mine/RUN --out models/mine` · `probe export runs/quick --parquet quick.parquet`"
)
def export(
    folder: Annotated[Path, typer.Argument(help="A run; with --parquet also a folder of runs.", metavar="DIR")],
    out: Annotated[Path | None, typer.Option(help="Folder for the model of a finished run.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="File for the settings and curves of all runs.")] = None,
) -> None:
    """Write a run's model with a card that says where it is from, or all runs as one table. Nothing is overwritten."""
    from probe.export import export_as

    print(export_as(folder, out, parquet))


@app.command(epilog="`probe sample --length 8 --order prefix` · `probe sample --score-end`")
def sample(
    length: Length = 8,
    order: Order = "suffix",
    pool: Pool = None,
    split: Annotated[str, typer.Option(help="train, validation or held-out.")] = "train",
    examples: Annotated[int, typer.Option(help="How many.", min=1)] = 4,
    data_seed: DataSeed = 0,
    supervision: SupervisionOption = "answer",
    score_end: ScoreEnd = False,
) -> None:
    """Print examples as the model reads them, with the tokens that carry the loss."""
    from probe.config import Model, ProbeConfig
    from probe.report import print_samples
    from probe.task import RetrievalTask

    task: Any = {"length": length, "order": order, "pool": pool, "seed": data_seed}
    asked: Any = supervision
    config = ProbeConfig(
        task=RetrievalTask(**task), model=Model(name="tiny/mamba"), supervision=asked, score_end=score_end
    )
    print_samples(config, split, examples)


@app.command(epilog="`probe doctor`")
def doctor() -> None:
    """Say what this machine has: devices, versions, and which kernels run and why."""
    from probe.report import print_doctor

    print_doctor()
