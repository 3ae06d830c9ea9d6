"""Options that several commands of `probe` share, what they mean, and the end of a command that cannot go on."""

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from backbones.pairs import SHIPPED, name_of
from training.config import ConfigError, require, require_choice

Length = Annotated[int, typer.Option(help="Special tokens in the context, 4 to 10,000.")]
Order = Annotated[str, typer.Option(help="suffix (query after the context) or prefix (before it).")]
Pool = Annotated[int | None, typer.Option(help="Special tokens that exist; as many as the length unless given.")]
DataSeed = Annotated[int, typer.Option(help="Seed of the data.")]
SupervisionOption = Annotated[
    str, typer.Option(help="answer (at the last position alone) or, in the prefix order, from-target on.")
]
ScoreEnd = Annotated[bool, typer.Option("--score-end", help="Score an end token after the answer as well.")]
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


def model_name(family: str | None, pair: str | None, pretrained: str | None) -> str:
    """What `backbones.load` takes: a pair and family; a hub name as it is; a folder by its whole path, which means the
    same from anywhere. `--pretrained tiny` is the tiny pair with the weights that are shipped."""
    shipped = next((after for after, before in SHIPPED.items() if pretrained == before and not pair), None)
    if pretrained is None or shipped:
        return name_of(shipped or pair or "tiny", family or "mamba")
    if family or pair:
        raise ConfigError("--pretrained names the whole model: leave --family and --pair out.")
    return str(Path(pretrained).resolve()) if Path(pretrained).is_dir() else pretrained


def parse_steps(text: str | None) -> list[int] | None:
    """The steps in a list such as 500,1000."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"steps must be whole numbers with commas between, not {text!r}.") from error


def stop(sentence: str, code: int) -> NoReturn:
    """Ends the command with a sentence on stderr."""
    print(sentence, file=sys.stderr)
    sys.exit(code)
