"""Options that the commands of both wings share: how runs are watched and kept, and where they are carried out."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from training.config import ConfigError, require, require_choice

Runs = Annotated[Path, typer.Argument(help="Folder that holds runs.", metavar="DIR")]
Tracker = Annotated[str | None, typer.Option(help="Log to tensorboard, wandb or trackio as well.")]
Checkpoints = Annotated[float, typer.Option(help="Minutes between checkpoints.", min=0.0)]
KeepWeights = Annotated[bool, typer.Option(help="Keep the trained weights of a finished run.")]
Workers = Annotated[int, typer.Option(help="Runs at a time, which divide the processor's threads.", min=1)]
EngineName = Annotated[str, typer.Option(help="local (this machine), ray or slurm.")]
SweepWorkers = Annotated[
    int | None,
    typer.Option(help="Runs at a time: on this machine as many as its GPUs take, or 1, unless given.", min=1),
]
PerGpu = Annotated[int, typer.Option(help="Runs at a time on each GPU of this machine.", min=1)]
PerRunGpus = Annotated[float | None, typer.Option(help="ray, slurm: GPUs of a run; for ray also a part of one.", min=0)]
PerRunCpus = Annotated[float | None, typer.Option(help="ray, slurm: CPUs of a run.", min=0)]
Address = Annotated[str | None, typer.Option(help="ray: of the cluster, or auto; one on this machine unless given.")]
Resources = Annotated[list[str] | None, typer.Option(help="ray: NAME=AMOUNT that a run needs; may be given again.")]
Partition = Annotated[str | None, typer.Option(help="slurm: partition of the jobs.")]
Hours = Annotated[float, typer.Option(help="slurm: time of a job, after which it is queued again.", min=0)]

ENGINES = ("local", "ray", "slurm")


@dataclass(frozen=True)
class EngineOptions:
    """What a person says of where runs are carried out. Each engine takes what it knows, and refuses what it does not.

    Raises:
        ConfigError: there is no such engine, or it has no such option.
    """

    engine: str = "local"
    workers: int | None = None
    per_gpu: int = 1
    gpus: float | None = None
    cpus: float | None = None
    address: str | None = None
    resources: tuple[str, ...] = ()
    partition: str | None = None
    hours: float = 24.0

    def __post_init__(self) -> None:
        require_choice("engine", self.engine, ENGINES)
        given = {
            "--per-gpu": (self.per_gpu != 1, ("local",)),
            "--gpus": (self.gpus is not None, ("ray", "slurm")),
            "--cpus": (self.cpus is not None, ("ray", "slurm")),
            "--address": (self.address is not None, ("ray",)),
            "--resource": (bool(self.resources), ("ray",)),
            "--partition": (self.partition is not None, ("slurm",)),
            "--hours": (self.hours != 24.0, ("slurm",)),
        }
        for option, (is_given, engines) in given.items():
            require(
                not is_given or self.engine in engines,
                f"{option} is of --engine {' or '.join(engines)}: leave it out, or name that engine.",
            )

        for option, amount in {"--gpus": self.gpus, "--cpus": self.cpus, "--hours": self.hours}.items():
            require(amount is None or math.isfinite(amount), f"{option} must be a number, not {amount}.")

    def amounts(self) -> tuple[tuple[str, float], ...]:
        """`resources` as names and numbers."""
        try:
            return tuple((name, float(amount)) for name, amount in (one.split("=") for one in self.resources))
        except ValueError as error:
            said = ", ".join(self.resources)
            raise ConfigError(f"a resource is NAME=AMOUNT, such as a100=1, and not {said}.") from error
