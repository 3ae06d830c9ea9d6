"""What `vlm prepare` is asked for, and a first look at whether it can be had, before any long work."""

import contextlib
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.config import ConfigError, require
from vlm.data.mixtures import Entry
from vlm.data.parts import Job, Part, pieces_of
from vlm.data.records import DataError
from vlm.data.registry import data_set_named
from vlm.data.source import EnoughError, How

FIRST_LOOK = 2_000
"""Records that are read of each data set before the work begins."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What makes the samples what they are: the same plan on the same files gives the same bytes."""

    mixture: str
    entries: tuple[Entry, ...]
    how: How
    checks_pictures: bool = True
    keeps_contaminated: bool = False
    embeds: bool = False
    """Whether the pictures' files go into the Parquet, for an object store."""

    def to_json(self) -> dict[str, Any]:
        """As a manifest has it."""
        return dict(json.loads(json.dumps(dataclasses.asdict(self))))


@dataclass(frozen=True, kw_only=True)
class Work:
    """A part that has to be made, and how much of it there is."""

    part: Part
    is_trained: bool
    size: int
    """Bytes of its annotation files, or a guess."""


GUESS = 2**20


def survey(plan: Plan, job: Job) -> tuple[list[Work], dict[str, Path]]:
    """All parts of a plan, and the annotation files that they begin with, by their path below the root.

    Raises:
        ConfigError: a data set cannot be read; the message lists all of them.
    """
    require(job.root.is_dir(), f"{job.root} is no folder: name the one that the folders of the data sets are in.")
    work: list[Work] = []
    files: dict[str, Path] = {}
    wrong: dict[str, str] = {}
    for entry in plan.entries:
        try:
            parts, opened = _look(job, entry)
        except ConfigError as error:
            wrong[entry.data_set] = str(error)
            continue
        size = sum(opened.values()) // len(parts) or GUESS
        work.extend(Work(part=part, is_trained=entry.into == "train", size=size) for part in parts)
        files |= {name: job.root / name for name in opened}
    if wrong:
        listed = "\n".join(f"  {name}: {sentence}" for name, sentence in wrong.items())
        some = "a data set" if len(wrong) == 1 else f"{len(wrong)} data sets"
        raise DataError(f"{some} cannot be read (--without NAME leaves one out):\n{listed}")
    return work, files


def fingerprint_of(files: dict[str, Path]) -> dict[str, list[int]]:
    """Size and time of files, which tell whether they are the same as when the work began."""
    stats = {name: path.stat() for name, path in sorted(files.items())}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


def _look(job: Job, entry: Entry) -> tuple[list[Part], dict[str, int]]:
    """The parts of an entry, and the annotation files of the first."""
    data_set = data_set_named(entry.data_set)
    folder = job.root / data_set.folder
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: put the files of {data_set.title} there.")
    parts = pieces_of(job, data_set, entry.split)
    if not parts:
        raise DataError(f"{folder} has no files of {data_set.title} ({entry.split}): download them there.")
    if data_set.before is not None:
        return parts, {}
    source = job.source(parts[0])
    source.enough = FIRST_LOOK
    with contextlib.suppress(EnoughError), contextlib.closing(data_set.read(source)) as samples:  # type: ignore[type-var]
        next(samples, None)
    return parts, source.opened
