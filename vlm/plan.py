"""What the runs of an experiment are and take, before any of them is made: `vlm sweep --dry-run`."""

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from training.config import identity
from training.run import Run
from vlm.config import TrainConfig
from vlm.cost import GPU, UTILISATION, gpu_hours


def print_plan(configs: Sequence[TrainConfig], out: Path) -> None:
    """A line a run, in the order in which they are carried out; what is the same in all of them is said once."""
    costs = [_cost(config) for config in configs]
    rows = [_row(config, hours, out) for config, hours in zip(configs, costs, strict=True)]
    shared = {name: text for name, text in rows[0].items() if all(row[name] == text for row in rows)}
    table = Table(*(Column(name, overflow="fold") for name in rows[0] if name not in shared), box=SIMPLE, padding=0)
    for row in rows:
        table.add_row(*(text for name, text in row.items() if name not in shared))
    if table.columns:
        Console().print(table)
    if shared:
        print(f"All: {'; '.join(f'{name} {text}' for name, text in shared.items())}.")
    samples = sum(config.optimisation.steps * config.optimisation.batch for config in configs)
    total = _rounded(sum(hours for hours in costs if hours is not None))
    besides = ", and those that are not known" if None in costs else ""
    print(f"{len(configs)} runs, {samples:,} samples.")
    print(f"{total} hours of one {GPU} at {UTILISATION:.0%} of its peak in bf16, counted and not measured{besides}.")


def _row(config: TrainConfig, hours: float | None, out: Path) -> dict[str, str]:
    """What is said of a run, by column."""
    vision, trained = config.model.vision, config.optimisation
    return {
        "run": identity(config),
        "model": config.model.name,
        "stage": config.stage,
        "order": config.order,
        "encoder": vision.name,
        "pixels": str(vision.image_size),
        "data": config.data.folder,
        "begins with": identity(config.start) if isinstance(config.start, TrainConfig) else config.start or "-",
        "steps": f"{trained.steps:,}",
        "batch": f"{trained.batch:,}",
        "rate": f"{trained.learning_rate:g}",
        "GPU hours": "?" if hours is None else _rounded(hours),
        "state": Run(out, config).state or "new",
    }


def _cost(config: TrainConfig) -> float | None:
    """GPU hours; None where a part of the model cannot be reached."""
    try:
        return gpu_hours(config)
    except ValueError:  # ConfigError and ModelError: the run itself will say so
        return None


def _rounded(hours: float) -> str:
    return f"{hours:,.1f}" if hours >= 0.1 else "< 0.1"
