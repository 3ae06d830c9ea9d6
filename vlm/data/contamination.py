"""What of the training data also occurs in a test set of the paper (reference-facts, 8 D5 and D8).

Removed from what is trained on:

    pictures     of COCO's Karpathy test split, of the test splits of RefCOCO, RefCOCO+ and RefCOCOg, and of AI2D's test
    questions    of Visual Genome that are test questions of Visual7W, which was made from them

Counted only, since the paper's own mixture trains on these pictures and would be another without them: the pictures of
VQAv2's validation (Karpathy's restval, whose captions are trained on, is part of it), of POPE, of VSR's test (its
random split divides sentences and not pictures) and of Visual7W's test.

Read from these files, where they are there:

    coco/dataset_coco.json, coco/refcoco/refs(unc).p, coco/refcoco+/refs(unc).p, coco/refcocog/refs(umd).p,
    coco/v2_OpenEnded_mscoco_val2014_questions.json, coco/coco_pope_{adversarial,popular,random}.json,
    visual7w/dataset_v7w_{telling,pointing}.json, visual_genome/image_data.json, ai2d/ai2d_test_ids.csv, vsr/test.jsonl
"""

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vlm.data.fingerprint import fingerprint
from vlm.data.readers.coco import name_of, number_of
from vlm.data.readers.refcoco import references_in
from vlm.data.records import Record, line_records
from vlm.data.source import Source
from vlm.sample import Question, Sample

KARPATHY = "COCO Karpathy test"
AI2D = "AI2D test"
VISUAL7W = "Visual7W test"
VSR = "VSR test"
POPE = "POPE"
VQA_V2 = "VQAv2 validation"

REFERRING: dict[str, str] = {
    "RefCOCO test": "refcoco/refs(unc).p",
    "RefCOCO+ test": "refcoco+/refs(unc).p",
    "RefCOCOg test": "refcocog/refs(umd).p",
}
"""Files of expressions, below coco."""

REFERRING_TESTS = ("testA", "testB", "test")

REMOVING = (KARPATHY, *REFERRING, AI2D)
"""Test sets whose pictures are not trained on."""

LISTING = (VQA_V2, POPE, VSR, VISUAL7W)
"""Test sets whose pictures are only counted."""

VISUAL_GENOME = "visual_genome"
"""What the sources of Visual Genome's samples begin with."""

Names = Mapping[str, tuple[str, ...]]
"""Test sets by the name of a picture, as in `Sample.known_as`."""


@dataclass(frozen=True, kw_only=True)
class Contamination:
    """What is looked for: some thirty megabytes with all files, and four as a pickle for other processes."""

    pictures: Names
    """Whose samples are removed."""
    listed: Names
    """Whose samples are counted."""
    questions: frozenset[int]
    """Fingerprints of (picture, number) and of (picture, text) of Visual7W's test questions. A number without its
    picture could be that of another question by chance; and questions may have been numbered anew."""
    unchecked: tuple[str, ...] = ()
    """Sentences on what could not be looked for, because its files are not there."""

    def digest(self) -> str:
        """SHA-256 of what is removed."""
        names = sorted((name, *sorted(tests)) for name, tests in self.pictures.items())
        return hashlib.sha256(repr((names, sorted(self.questions))).encode()).hexdigest()


def find(root: Path) -> Contamination:
    """Reads the test sets below a root: some ten seconds with all of them.

    Raises:
        vlm.data.errors.DataError: a file that is there cannot be read.
    """
    search = _Search(root)
    removed: dict[str, set[str]] = {KARPATHY: search.karpathy(), AI2D: search.ai2d()}
    removed |= {name: search.referring(name, file) for name, file in REFERRING.items()}
    counted: dict[str, set[str]] = {VQA_V2: search.vqa_v2(), POPE: search.pope(), VSR: search.vsr()}
    counted[VISUAL7W] = search.visual7w()
    pictures, listed = _by_name(removed, REMOVING), _by_name(counted, LISTING)
    for aliases in search.aliases():
        for names in (pictures, listed):
            if both := tuple(dict.fromkeys(test for name in aliases for test in names.get(name, ()))):
                names.update(dict.fromkeys(aliases, both))
    return Contamination(
        pictures=pictures, listed=listed, questions=frozenset(search.questions), unchecked=tuple(search.unchecked)
    )


def clean(sample: Sample, contamination: Contamination) -> tuple[Sample | None, Counter[str]]:
    """A training sample without what is in a test set; None where nothing is left of it. And what was removed, by
    reason: samples for their pictures, questions by themselves.
    """
    if found := _sets_of(sample, contamination.pictures):
        return None, Counter(f"picture in {name}" for name in found)
    kept = tuple(question for question in sample.questions if not _is_tested(sample, question, contamination))
    if len(kept) == len(sample.questions):
        return sample, Counter()
    removed = Counter({f"question in {VISUAL7W}": len(sample.questions) - len(kept)})
    return dataclasses.replace(sample, questions=kept) if kept else None, removed


def listed(sample: Sample, contamination: Contamination) -> tuple[str, ...]:
    """For a training sample that stays: test sets that its picture is in, in the words that `clean` uses."""
    return tuple(f"picture in {name}" for name in _sets_of(sample, contamination.listed))


def _sets_of(sample: Sample, names: Names) -> list[str]:
    return list(dict.fromkeys(test for name in sample.known_as for test in names.get(name, ())))


def _is_tested(sample: Sample, question: Question, contamination: Contamination) -> bool:
    """Of Visual Genome alone: Visual7W's own splits do not share questions."""
    if not sample.source.startswith(VISUAL_GENOME):
        return False
    return any(
        key in contamination.questions
        for name in sample.known_as
        if name.startswith("vg:")
        for key in _keys_of(name, question.id, question.question)
    )


def _keys_of(picture: str, number: str, text: str) -> Iterator[int]:
    if number:
        yield fingerprint(picture, "number", number)
    yield fingerprint(picture, "text", " ".join(text.lower().split()))


def _by_name(found: Mapping[str, Iterable[str]], order: Iterable[str]) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for test in order:
        for name in found[test]:
            names[name] = (*names.get(name, ()), test)
    return names


class _Search:
    """Reads test sets, and notes which are not there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unchecked: list[str] = []
        self.questions: set[int] = set()

    def karpathy(self) -> set[str]:
        found = set()
        for source, record in self._records(KARPATHY, "coco", "dataset_coco.json", "images"):
            with source.skipping(record):
                if record.text("split") == "test":
                    found.add(f"coco:{record.whole('cocoid')}")
        return found

    def referring(self, test: str, file: str) -> set[str]:
        if (source := self._source(test, "coco", file)) is None:
            return set()
        found = set()
        for record in references_in(source, file):
            with source.skipping(record):
                if record.text("split") in REFERRING_TESTS:
                    found.add(f"coco:{record.whole('image_id')}")
        source.tally.require_few_skipped()
        return found

    def ai2d(self) -> set[str]:
        file = "ai2d_test_ids.csv"
        # Its archive is unpacked into the folder or beside the file: see vlm.data.readers.ai2d.
        folder = "ai2d/ai2d" if (self.root / "ai2d" / "ai2d" / file).is_file() else "ai2d"
        if (source := self._source(AI2D, folder, file)) is None:
            return set()
        with source.open(file) as opened:
            numbers = re.findall(r"^\W*(\d+)", opened.read().decode("utf-8", "replace"), re.MULTILINE)
        return {f"ai2d:{number}.png" for number in numbers}

    def vqa_v2(self) -> set[str]:
        found = set()
        for source, record in self._records(VQA_V2, "coco", "v2_OpenEnded_mscoco_val2014_questions.json", "questions"):
            with source.skipping(record):
                found.add(f"coco:{record.whole('image_id')}")
        return found

    def pope(self) -> set[str]:
        found = set()
        for way in ("adversarial", "popular", "random"):
            file = f"coco_pope_{way}.json"  # JSON lines, in spite of the name
            if (source := self._source(f"{POPE} ({way})", "coco", file)) is None:
                continue
            with source.open(file) as opened:
                for record in source.counted(line_records(opened, str(source.path / file))):
                    with source.skipping(record):
                        found.add(name_of(number_of(record)))
            source.tally.require_few_skipped()
        return found

    def vsr(self) -> set[str]:
        found = set()
        for source, record in self._records(VSR, "vsr", "test.jsonl"):
            with source.skipping(record):
                found.add(name_of(number_of(record)))
        return found

    def visual7w(self) -> set[str]:
        """Pictures; the questions are noted by the way."""
        found = set()
        for way in ("telling", "pointing"):
            for source, record in self._records(f"{VISUAL7W} ({way})", "visual7w", f"dataset_v7w_{way}.json", "images"):
                with source.skipping(record):
                    if record.text("split") != "test":
                        continue
                    name = f"vg:{record.id('image_id')}"
                    found.add(name)
                    for pair in record.records("qa_pairs"):
                        with source.skipping(pair):
                            self.questions.update(_keys_of(name, pair.id("qa_id"), pair.text("question")))
        return found

    def aliases(self) -> Iterator[tuple[str, str]]:
        """Pictures of Visual Genome that are COCO's too, under both names: Visual7W and GQA know only the first."""
        what = "Pictures of COCO's test sets in data that names them by Visual Genome alone"
        for source, record in self._records(what, "visual_genome", "image_data.json"):
            with source.skipping(record):
                if record.has("coco_id"):
                    yield f"vg:{record.id('image_id')}", f"coco:{record.id('coco_id')}"

    def _records(self, what: str, folder: str, file: str, at: str | None = None) -> Iterator[tuple[Source, Record]]:
        if (source := self._source(what, folder, file)) is not None:
            for record in source.records(file, at):
                yield source, record
            source.tally.require_few_skipped()

    def _source(self, what: str, folder: str, file: str) -> Source | None:
        source = Source(root=self.root, folder=folder, split="test")
        if source.has(file):
            return source
        self.unchecked.append(f"{what}: not looked for, since {source.path / file} is not there.")
        return None
