"""`released.json`: what an imported folder remembers of where it came from, so that it can be turned around.

{"model": "Mamba-VL 1.4B", "config": {...}, "head": "tied", "dropped": []}
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from training.config import ConfigError, from_dict, require_choice
from vlm.released.declaration import Declared

FILE = "released.json"

Head = Literal["own", "tied", "duplicated"]
"""How the output was stored. own: with weights of its own. tied: not at all, as it is the embedding. duplicated: though
it is the embedding."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """See the module.

    Raises:
        ConfigError: a value is impossible.
    """

    model: str
    """Its name for people, by its shapes."""
    config: Declared
    """The config.json, as it was."""
    head: Head
    dropped: tuple[str, ...]
    """Names of buffers that were left out."""

    def __post_init__(self) -> None:
        require_choice("head", self.head, get_args(Head))

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def origin_of(folder: Path) -> Origin | None:
    """What a folder remembers; None where it was not imported.

    Raises:
        ConfigError: it cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return from_dict(Origin, dict(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read: import the model again, or delete the file.") from error
