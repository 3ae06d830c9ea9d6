"""What a folder of prepared samples says of itself: `manifest.json`, written last, so that a folder that has one is
complete."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.config import ConfigError, conform, require
from vlm.dataset import MANIFEST
from vlm.places import Place
from vlm.sample import SPLITS

VERSION = 1
"""Of the schema and of what the readers make. Samples of another version are prepared again."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A Parquet file of samples."""

    name: str
    rows: int
    sha256: str

    def __post_init__(self) -> None:
        conform(self)
        require(self.name == Path(self.name).name and self.rows > 0, f"{self.name!r} is no file of {self.rows} rows")


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """The samples of a split."""

    files: tuple[File, ...]
    samples: int
    tasks: dict[str, int]
    """Samples of each task."""

    def __post_init__(self) -> None:
        require(self.samples == sum(file.rows for file in self.files) > 0, "the samples are not those of the files")


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What became of the records of a data set in a split: see `vlm.data.tally`."""

    read: int
    skipped: int
    samples: int
    """That were made, before weight and cap."""
    kept: int
    """That are in the files."""
    dropped: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Examples of what was skipped and dropped."""


@dataclass(frozen=True, kw_only=True)
class SetFacts:
    """A data set of the mixture."""

    title: str
    licence: str
    weight: float
    cap: int | None
    splits: dict[str, Counts]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """See the module."""

    plan: dict[str, Any]
    """What was asked for: see `vlm.data.plan`."""
    pictures: str
    """Where pictures are named relative to: a path relative to the folder of the manifest, or absolute."""
    embedded: bool
    """Whether their files are in the Parquet."""
    group: int
    """Rows that are read together."""
    splits: dict[str, SplitFiles]
    sets: dict[str, SetFacts]
    unchecked: tuple[str, ...] = ()
    """Rules against contamination that could not be applied, and why."""
    sources: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the annotation files, by their path below the root."""
    version: int = VERSION

    def __post_init__(self) -> None:
        require(isinstance(self.group, int) and self.group > 0, f"a group of {self.group!r} rows is none")
        require(
            isinstance(self.pictures, str) and isinstance(self.embedded, bool), "where the pictures are is not said"
        )
        require(set(self.splits) <= {*SPLITS}, f"the splits are {', '.join(self.splits)}")


def read_manifest(folder: Place) -> Manifest:
    """The manifest of a folder.

    Raises:
        ConfigError: it has none, or one that is damaged or of another version.
    """
    path = folder.of(MANIFEST)
    try:
        read: dict[str, Any] = dict(json.loads(folder.read(MANIFEST)))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): make the folder with `vlm prepare`.") from error
    if read.get("version") != VERSION:
        raise ConfigError(
            f"{path} is of version {read.get('version')} and this is version {VERSION}: prepare the data again."
        )
    try:
        read["splits"] = {
            split: SplitFiles(**{**its, "files": tuple(File(**file) for file in its["files"])})
            for split, its in read["splits"].items()
        }
        read["sets"] = {
            name: SetFacts(**{**its, "splits": {split: _counts(counts) for split, counts in its["splits"].items()}})
            for name, its in read["sets"].items()
        }
        return Manifest(**{**read, "unchecked": tuple(read["unchecked"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged ({error}): prepare the data again.") from error


def written(manifest: Manifest) -> str:
    """The manifest as it is kept."""
    return json.dumps(dataclasses.asdict(manifest), indent=1, ensure_ascii=False) + "\n"


def _counts(read: dict[str, Any]) -> Counts:
    return Counts(**{**read, "named": {reason: tuple(examples) for reason, examples in read["named"].items()}})
