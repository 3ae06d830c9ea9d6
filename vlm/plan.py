"""What the runs of an experiment are and take, before any of them is made: `vlm sweep --dry-run`."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from training.config import identity
from training.run import Run
from vlm.config import TrainConfig


def print_plan(configs: Sequence[TrainConfig], out: Path) -> None:
    """A line a run, in the order in which they are carried out."""
    table = Table("run", "model", "stage", "order", "pictures", "begins with", "steps", "batch", "samples", "state")
    for config in configs:
        vision, trained = config.model.vision, config.optimisation
        begins = identity(config.start) if isinstance(config.start, TrainConfig) else config.start or "-"
        table.add_row(
            identity(config),
            config.model.name,
            config.stage,
            config.order,
            f"{vision.name.rpartition('/')[2]}, {vision.image_size}",
            begins,
            f"{trained.steps:,}",
            f"{trained.batch:,}",
            f"{trained.steps * trained.batch:,}",
            Run(out, config).state or "new",
        )
    Console().print(table)
    print(f"{len(configs)} runs, {sum(c.optimisation.steps * c.optimisation.batch for c in configs):,} samples.")
