"""What is wrong with a prepared folder of samples and pictures, before it is trained on.

    samples     that cannot be laid out, of one id, of the same content; questions without an answer; boxes too small
    pictures    missing, broken, too large, of another kind than named, of the same content, without samples
    test sets   whose pictures or questions are trained on: those of the paper, and the folder's own

Samples are read once, and what has to be compared is kept in a database in a temporary file, not in memory: about 200
bytes a sample, 1.2 GB for the 6.2 million of the paper's mixture (sorting takes up to as much again, in the system's
temporary folder), and 100 MB of memory. Every picture is read, and that takes the time: some 300 of COCO's a second and
process, and half a gigabyte of memory for each process. 25,000 samples are compared in a second.
"""

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vlm.data.comparisons import count_marked, same_pictures, same_samples, shared_between_splits, small_boxes
from vlm.data.contamination import Contamination, clean, listed
from vlm.data.findings import EXAMPLES, Report
from vlm.data.fingerprint import fingerprint
from vlm.data.picture_check import ENDINGS, REASONS
from vlm.data.picture_sweep import Seen, sweep
from vlm.sample import SPLITS, Sample, SampleError, Split, boxes_in
from vlm.templates import turns_of

TOGETHER = 5_000
"""Rows that are written at once."""

SMALL = 0.001
"""Share of its picture from which on a box is not measured in pixels: a picture has at least a thousand of them."""

SCHEMA = """
CREATE TABLE samples (split INTEGER, source TEXT, id TEXT, picture TEXT, content INTEGER);
CREATE TABLE names (name INTEGER, split INTEGER, sample INTEGER);
CREATE TABLE boxes (picture TEXT, sample INTEGER, width REAL, height REAL);
CREATE TABLE pictures (name TEXT PRIMARY KEY, train INTEGER, tested INTEGER) WITHOUT ROWID;
CREATE TABLE seen (name TEXT PRIMARY KEY, content INTEGER, width INTEGER, height INTEGER) WITHOUT ROWID;
CREATE TABLE marked (name TEXT, kind TEXT, PRIMARY KEY (name, kind)) WITHOUT ROWID;
"""
"""Splits are numbers: their places in SPLITS, training first."""


def examine(
    samples_by_split: Mapping[Split, Iterable[Sample]],
    pictures: Path | None,
    contamination: Contamination | None = None,
    workers: int = 1,
    scratch: Path | None = None,
) -> Report:
    """Looks for everything in `vlm.data.findings.KINDS`.

    Args:
        samples_by_split: each is read once.
        pictures: folder that samples name their pictures relative to; None where they are inside of the samples'
            files, and are not looked at.
        contamination: test sets of the paper; without them only the folder's own are looked at.
        workers: processes that check pictures.
        scratch: folder for the temporary file; the system's without one.

    Raises:
        vlm.data.errors.DataError: a process was killed.
    """
    report = Report()
    if contamination is None:
        report.unchecked = ("Test sets of the paper: not looked for, since the folder of all data sets was not given.",)
    else:
        report.unchecked = contamination.unchecked
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        base = sqlite3.connect(Path(folder) / "samples.sqlite", isolation_level=None)
        try:
            # Nothing is to be kept: no journal, and one transaction without an end.
            base.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; {SCHEMA}")
            base.execute("BEGIN")
            _Examination(base, report, pictures, contamination).run(samples_by_split, workers)
        finally:
            base.close()
    return report


def orphans(root: Path, folders: Iterable[str], used: Container[str]) -> Iterator[str]:
    """Picture files in these folders that nobody uses, by their endings, relative to the root.

    Args:
        folders: relative to the root; folders in them are not looked into.
        used: pictures, relative to the root.
    """
    for folder in sorted(set(folders)):
        try:
            names = sorted(path.name for path in (root / folder).iterdir())
        except OSError:
            continue
        for name in names:
            place = f"{folder}/{name}" if folder else name
            if Path(name).suffix.lower() in ENDINGS and place not in used:
                yield place


class _Examination:
    def __init__(
        self, base: sqlite3.Connection, report: Report, pictures: Path | None, rules: Contamination | None
    ) -> None:
        self.base = base
        self.report = report
        self.pictures = pictures
        self.rules = rules
        self.rows: dict[str, list[tuple[Any, ...]]] = {"samples": [], "names": [], "boxes": []}
        self.number = 0

    def run(self, samples_by_split: Mapping[Split, Iterable[Sample]], workers: int) -> None:
        for split, samples in samples_by_split.items():
            counts = self.report.samples.setdefault(split, Counter())
            for sample in tqdm(samples, desc=f"samples, {split}", unit="", disable=None):
                counts[sample.source] += 1
                self._one(split, sample)
        self._write()
        self._look_at_pictures(workers)
        for compare in (same_samples, shared_between_splits, same_pictures, small_boxes, count_marked):
            compare(self.base, self.report)
        self._orphans()

    def _one(self, split: Split, sample: Sample) -> None:
        """What can be said of a sample by itself, and what of it is to be compared."""
        self.number += 1
        number = SPLITS.index(split)
        self.rows["samples"].append((number, sample.source, sample.id, sample.image, _content_of(sample)))
        for name in sample.known_as or (sample.image,):
            self.rows["names"].append((fingerprint(name), number, self.number))
        for x1, y1, x2, y2 in boxes_in(sample):
            if (x2 - x1) * (y2 - y1) < SMALL:
                self.rows["boxes"].append((sample.image, self.number, x2 - x1, y2 - y1))
        if len(self.rows["samples"]) >= TOGETHER:
            self._write()
        if sample.answered:
            for question in sample.questions:
                if not question.answer.strip():
                    self._add("question without an answer", sample, f"{split}, {sample.id}: {question.question}")
        if split != "test":
            self._require_layout(split, sample)
        if split == "train" and self.rules is not None:
            for reason, count in clean(sample, self.rules)[1].items():
                self._add(reason, sample, f"{sample.id}, {sample.image}", count)
            for reason in listed(sample, self.rules):
                self._add(reason, sample, f"{sample.id}, {sample.image}")

    def _require_layout(self, split: Split, sample: Sample) -> None:
        if not sample.answered:
            if split == "train":
                self._add("training sample without answers", sample, sample.id)
            return
        try:
            if any(turn.is_target for turn in turns_of(sample)):
                return
            why = "it has nothing to answer."
        except SampleError as error:
            why = str(error)
        self._add("sample cannot be laid out", sample, f"{split}, {sample.id}: {why}")

    def _add(self, kind: str, sample: Sample, example: str, count: int = 1) -> None:
        self.report.add(kind, sample.source, example, count)

    def _write(self) -> None:
        for table, rows in self.rows.items():
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                self.base.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
                rows.clear()

    def _look_at_pictures(self, workers: int) -> None:
        self.base.execute(
            "INSERT INTO pictures SELECT picture, max(split = 0), max(split > 0) FROM samples GROUP BY picture"
        )
        self.report.pictures = self._value("SELECT count(*) FROM pictures")
        names = (name for (name,) in self.base.execute("SELECT name FROM pictures ORDER BY name"))
        if self.pictures is None:
            self.report.unchecked += ("Pictures: not looked at, since they are no files of this machine.",)
            return
        bar = tqdm(total=self.report.pictures, desc="pictures", unit="", disable=None)
        with bar:
            for seen in sweep(self.pictures, names, workers):
                self._note_picture(seen)
                bar.update()

    def _note_picture(self, seen: Seen) -> None:
        verdict = seen.verdict
        size = verdict.size or (None, None)
        self.base.execute("INSERT INTO seen VALUES (?, ?, ?, ?)", (seen.name, seen.content, *size))
        if verdict.fault:
            self._mark(seen.name, REASONS[verdict.fault])
        elif verdict.mistyped:
            self._mark(seen.name, "picture of another kind than its name says", f"{seen.name} is {verdict.kind}")

    def _mark(self, name: str, kind: str, example: str = "") -> None:
        """Notes a finding of a picture; in which data sets is looked up for all of them at once."""
        self.base.execute("INSERT OR IGNORE INTO marked VALUES (?, ?)", (name, kind))
        finding = self.report.findings[kind]
        if len(finding.examples) < EXAMPLES:
            finding.examples.append(example or name)

    def _orphans(self) -> None:
        """Files of pictures that no sample names, in the folders of those that one does."""
        if self.pictures is None:
            return
        folders = {name.rpartition("/")[0] for (name,) in self.base.execute("SELECT name FROM pictures")}
        for place in orphans(self.pictures, folders, _Used(self.base)):
            self.report.add("picture without samples", place.rpartition("/")[0] or ".", place)

    def _value(self, query: str) -> Any:
        return self.base.execute(query).fetchone()[0]


class _Used:
    """The pictures that samples name."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def __contains__(self, name: object) -> bool:
        return self._base.execute("SELECT 1 FROM pictures WHERE name = ?", (name,)).fetchone() is not None


def _content_of(sample: Sample) -> int:
    """Everything that a model is shown of a sample."""
    return fingerprint(
        sample.task,
        sample.image,
        sample.caption,
        sample.boxes,
        tuple((region.box, region.phrase) for region in sample.regions),
        tuple((question.question, question.answer, question.options) for question in sample.questions),
        sample.matches,
        sample.replies,
        sample.context,
        sample.prompt,
    )
