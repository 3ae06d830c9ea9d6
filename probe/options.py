"""Options that several commands of `probe` share beside those of `training.options`, and what they mean."""

from pathlib import Path
from typing import Annotated

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
