"""The samples of one data set and split, or of one piece of it, in the order in which its reader gives them.

    <set>.<split>.<piece>.arrow     its samples: Arrow, memory-mapped when they are mixed
    <set>.<split>.<piece>.json      what became of its records; written last, so that a part that has one is whole

Parts are made by processes that know nothing of each other. A part that is whole is not made again.
"""

import hashlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from vlm.data.columns import SCHEMA, to_columns
from vlm.data.contamination import Contamination, clean
from vlm.data.data_set import DataSet
from vlm.data.how import How
from vlm.data.picture_check import REASONS, PictureChecker
from vlm.data.registry import data_set_named
from vlm.data.source import Source
from vlm.data.tally import Tally
from vlm.sample import Sample, Split

BATCH = 2_048
"""Samples that are written, and later read, together."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is read in one go."""

    data_set: str
    split: Split
    piece: str = ""

    @property
    def name(self) -> str:
        """Of its files. Names of pieces that no file can have are known by a digest."""
        named = ".".join(filter(None, (self.data_set, self.split, self.piece)))
        plain = re.sub(r"[^A-Za-z0-9_.+-]", "_", named)
        return plain if plain == named else f"{plain[:60]}-{hashlib.sha256(named.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is the same for all parts.

    Args:
        root: folder of all data sets.
        parts: folder that parts are written to.
        checks_pictures: whether each picture is decoded, and what is broken is left out.
        keeps_samples: whether they are written, and not only counted.
        contamination: what occurs in test sets, and is taken out of what is trained on.
    """

    root: Path
    parts: Path
    how: How
    checks_pictures: bool
    contamination: Contamination | None
    keeps_samples: bool = True

    def source(self, part: Part) -> Source:
        """What the reader of a part reads from."""
        data_set = data_set_named(part.data_set)
        scratch = self.parts / "scratch" / Part(data_set=part.data_set, split=part.split).name
        return Source(
            root=self.root,
            folder=data_set.folder,
            split=part.split,
            how=self.how,
            piece=part.piece,
            scratch=scratch,
        )


def pieces_of(job: Job, data_set: DataSet, split: Split) -> list[Part]:
    """The parts of a split of a data set."""
    pieces = data_set.pieces(job.root / data_set.folder, split)
    return [Part(data_set=data_set.name, split=split, piece=piece) for piece in pieces]


def make_part(job: Job, part: Part, is_trained: bool, source: Source | None = None) -> None:
    """Writes a part, unless it is there.

    Args:
        is_trained: whether its samples are trained on, so that what occurs in test sets is taken out.
        source: to read from, where the caller watches it.

    Raises:
        DataError: the files of the data set cannot be read, or too many records are broken.
    """
    if tally_of(job, part) is not None:
        return
    source = source or job.source(part)
    path = job.parts / f"{part.name}.arrow"
    beside = path.with_name(f"{path.name}.{os.getpid()}.partial")
    samples = _kept(job, data_set_named(part.data_set).read(source), source, is_trained)
    with pa.OSFile(str(beside), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        for batch in batches_of(samples):
            if job.keeps_samples:
                writer.write_batch(batch)
    if not part.piece:
        source.tally.require_few_skipped()
    beside.replace(path)
    written = beside.with_suffix(".tally")
    written.write_text(source.tally.to_json(), encoding="utf-8")
    written.replace(path.with_suffix(".json"))


def tally_of(job: Job, part: Part) -> Tally | None:
    """What became of the records of a part; None where it is not whole."""
    try:
        return Tally.from_json((job.parts / f"{part.name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def batches_of(samples: Iterable[Sample], size: int = BATCH) -> Iterator[pa.RecordBatch]:
    """Samples as columns, so many at a time."""
    waiting = iter(samples)
    while some := list(itertools.islice(waiting, size)):
        yield to_columns(some)


def _kept(job: Job, samples: Iterator[Sample], source: Source, is_trained: bool) -> Iterator[Sample]:
    """Those that are sound and not contaminated; the others are counted."""
    checker = PictureChecker()
    for sample in samples:
        if job.checks_pictures:
            verdict = checker.verdict(job.root / sample.image)
            if verdict.fault is not None:
                source.tally.drop(REASONS[verdict.fault], sample.image)
                continue
            if verdict.mistyped:
                source.tally.change("picture of another kind than its name says", sample.image)
        kept: Sample | None = sample
        if is_trained and job.contamination is not None:
            kept, reasons = clean(sample, job.contamination)
            for reason, count in reasons.items():
                source.tally.drop(reason, sample.id, count)
        if kept is not None:
            source.tally.samples[kept.task] += 1
            yield kept
