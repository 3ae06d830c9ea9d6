"""What `vlm prepare` is asked for, and a first look at whether it can be had, before any long work."""

import contextlib
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.config import ConfigError, require
from vlm.data import contamination as contaminated
from vlm.data.errors import DataError
from vlm.data.how import How
from vlm.data.mixtures import Entry
from vlm.data.parts import Job, Part, pieces_of
from vlm.data.registry import data_set_named
from vlm.data.tally import Tally

FIRST_LOOK = 2_000
"""Records that are read of each annotation file before the work begins."""


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
"""Bytes of a part whose files say nothing of their size."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a first look at the data sets of a plan found."""

    work: list[Work]
    files: dict[str, Path]
    """Annotation files that the parts begin with, by their path below the root."""
    wrong: dict[str, str]
    """Data sets that cannot be read, and the sentence that says why."""

    def require_all(self) -> None:
        """Raises DataError, with a list, where a data set cannot be read."""
        if self.wrong:
            listed = "\n".join(f"  {name}: {sentence}" for name, sentence in self.wrong.items())
            some = "1 split" if len(self.wrong) == 1 else f"{len(self.wrong)} splits"
            raise DataError(f"{some} cannot be read (--without NAME leaves one out):\n{listed}")


def survey(plan: Plan, job: Job) -> Survey:
    """Looks at the first records of everything.

    Raises:
        ConfigError: there is no such folder of data sets.
    """
    require(job.root.is_dir(), f"{job.root} is no folder: name the one that the folders of the data sets are in.")
    found = Survey(work=[], files={}, wrong={})
    for entry in plan.entries:
        try:
            parts, opened = _look(job, entry)
        except ConfigError as error:
            found.wrong[f"{entry.data_set} ({entry.split})"] = str(error)
            continue
        size = sum(opened.values()) // len(parts) or GUESS
        found.work.extend(Work(part=part, is_trained=entry.into == "train", size=size) for part in parts)
        found.files.update({name: job.root / name for name in opened})
    return found


def fingerprint_of(files: dict[str, Path]) -> dict[str, list[int]]:
    """Size and time of files, which tell whether they are the same as when the work began."""
    stats = {name: path.stat() for name, path in sorted(files.items())}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


class _Forgiving(Tally):
    """Of a first look: where files are read in part, records lack what stands further down in others."""

    def skip(self, why: str, kind: str = "") -> None:
        """Nothing is made of it."""


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
    source.first, source.tally = FIRST_LOOK, _Forgiving()
    with contextlib.closing(data_set.read(source)) as samples:  # type: ignore[type-var]
        next(samples, None)
    return parts, source.opened


def job_of(plan: Plan, root: Path, parts: Path) -> Job:
    """What is the same for all parts of a plan.

    Raises:
        DataError: a file that says what is in a test set cannot be read.
    """
    found = None if plan.keeps_contaminated else contaminated.find(root)
    return Job(root=root, parts=parts, how=plan.how, checks_pictures=plan.checks_pictures, contamination=found)
