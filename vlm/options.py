"""Options that several commands of `vlm` share beside those of `training.options`."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str | None, typer.Option(help="Folder of samples, or its URL; the one that was trained on unless given.")
]
Features = Annotated[Path | None, typer.Option(help="Keep the encoder's features here: for data that are small.")]
OrderName = Annotated[
    str, typer.Option(help="task-agnostic (picture, instruction), task-aware (the reverse), or query-first.")
]
AskedOrder = Annotated[str | None, typer.Option(help="Another order than the one that was trained with.")]
Checkpoint = Annotated[
    Path, typer.Argument(help="A checkpoint, a finished run, or a folder of runs with one of them.", metavar="MODEL")
]
NewTokens = Annotated[int, typer.Option(help="Most tokens of an answer.", min=1)]
Temperature = Annotated[float, typer.Option(help="0 says what is most likely; 1 draws as the model says.", min=0.0)]
TopP = Annotated[
    float, typer.Option(help="Draw among the most likely tokens of this share, above 0.", min=0.0, max=1.0)
]
SamplingSeed = Annotated[int, typer.Option(help="Of what is drawn.", min=0, max=2**63 - 1)]
