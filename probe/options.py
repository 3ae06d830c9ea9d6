"""Options that several commands of `probe` share, what they mean, and the end of a command that cannot go on."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from backbones.pairs import SHIPPED, name_of
from training.config import ConfigError

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
