"""What the runs of an experiment are and take, before any of them is made: `vlm sweep --dry-run`."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from training.config import identity
from training.run import Run
from vlm.config import TrainConfig
from vlm.cost import GPU, UTILISATION, gpu_hours


def print_plan(configs: Sequence[TrainConfig], out: Path) -> None:
    """A line a run, in the order in which they are carried out."""
    of_run = ("run", "model", "stage", "order", "pictures", "data", "begins with")
    table = Table(*of_run, "steps", "batch", "rate", "GPU hours", "state")
    costs = [_cost(config) for config in configs]
    for config, hours in zip(configs, costs, strict=True):
        vision, trained = config.model.vision, config.optimisation
        begins = identity(config.start) if isinstance(config.start, TrainConfig) else config.start or "-"
        table.add_row(
            identity(config),
            config.model.name,
            config.stage,
            config.order,
            f"{vision.name.rpartition('/')[2]}, {vision.image_size}",
            config.data.folder,
            begins,
            f"{trained.steps:,}",
            f"{trained.batch:,}",
            f"{trained.learning_rate:g}",
            "?" if hours is None else _rounded(hours),
            Run(out, config).state or "new",
        )
    Console().print(table)
    samples = sum(config.optimisation.steps * config.optimisation.batch for config in configs)
    total = _rounded(sum(hours for hours in costs if hours is not None))
    besides = ", and those that are not known" if None in costs else ""
    print(f"{len(configs)} runs, {samples:,} samples.")
    print(f"{total} hours of one {GPU} at {UTILISATION:.0%} of its peak in bf16, counted and not measured{besides}.")


def _cost(config: TrainConfig) -> float | None:
    """GPU hours; None where a part of the model cannot be reached."""
    try:
        return gpu_hours(config)
    except ValueError:  # ConfigError and ModelError: the run itself will say so
        return None


def _rounded(hours: float) -> str:
    return f"{hours:,.1f}" if hours >= 0.1 else "< 0.1"
