"""Visual Genome (version 1.2): regions with a phrase each, and questions, on pictures of COCO and YFCC.

    visual_genome/image_data.json               sizes, and the number in COCO of pictures that are from there
    visual_genome/region_descriptions.json      each of the three may be in the zip that it came in
    visual_genome/question_answers.json
    visual_genome/{VG_100K,VG_100K_2}/1.jpg
    coco/dataset_coco.json                      Karpathy's splits

Regions are asked for in both directions, a box for a phrase and a phrase for a box; large ones are left out, as in OFA
(paper, appendix A.2). Samples hold up to ten regions or questions of a picture. Validation pictures are those that are
validation pictures of COCO in Karpathy's splits, all others are for training (reference-facts, 5.3). Samples name
their picture as COCO does too: so the pictures that benchmarks are made of are found later.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vlm.data.answers import question_of
from vlm.data.data_set import DataSet
from vlm.data.errors import DataError, DroppedError
from vlm.data.packs import limit_of, packs
from vlm.data.readers import coco
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Question, Region, Sample, Task

FOLDER = "visual_genome"
KARPATHY = "dataset_coco.json"

LARGEST_AREA = 128 * 128
"""Pixels of the largest region that is kept."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """What samples say of one, and its size."""

    path: str
    size: tuple[int, int]
    known_as: tuple[str, ...]


def read_grounding(source: Source) -> Iterator[Sample]:
    """Boxes for phrases."""
    return _region_samples(source, "visual_grounding", "visual_genome grounding")


def read_dense(source: Source) -> Iterator[Sample]:
    """Phrases for boxes."""
    return _region_samples(source, "dense_captioning", "visual_genome dense")


def read_questions(source: Source) -> Iterator[Sample]:
    """Answers to questions."""
    for record, picture in _of_split(source, "question_answers.json"):
        for pack in packs(_questions(source, record), _together, limit_of(FOLDER, source.how.as_published)):
            yield _sample(source, picture, "vqa", "visual_genome qa", questions=tuple(pack))


def _region_samples(source: Source, task: Task, name: str) -> Iterator[Sample]:
    for record, picture in _of_split(source, "region_descriptions.json"):
        for pack in packs(_regions(source, record, picture), _together, limit_of(FOLDER, source.how.as_published)):
            yield _sample(source, picture, task, name, regions=tuple(pack))


def _sample(
    source: Source,
    picture: _Picture,
    task: Task,
    name: str,
    regions: tuple[Region, ...] = (),
    questions: tuple[Question, ...] = (),
) -> Sample:
    first = regions[0].id if regions else questions[0].id
    return Sample(
        id=f"{name.replace(' ', '-')}-{first}",
        image=picture.path,
        task=task,
        source=name,
        regions=regions,
        questions=questions,
        known_as=picture.known_as,
        as_published=source.how.as_published,
    )


def _together(part: Region | Question) -> None:
    """What is packed is of one picture already."""


def _of_split(source: Source, name: str) -> Iterator[tuple[Record, _Picture]]:
    """A picture's record in an annotation file, and the picture."""
    validating = _validation_pictures(source)
    entries = _entries(source)
    for record in source.records(name):
        with source.skipping(record):
            number = record.whole("id")
            if number not in entries:
                record.refuse(f"picture {number} is not in image_data.json")
            width, height, coco_id = entries[number]
            if (coco_id in validating) != (source.split == "validation"):
                continue
            path = source.picture(f"VG_100K/{number}.jpg", f"VG_100K_2/{number}.jpg")
            known_as = (f"vg:{number}",) if coco_id is None else (f"vg:{number}", coco.name_of(coco_id))
            yield record, _Picture(path, (width, height), known_as)


def _entries(source: Source) -> dict[int, tuple[int, int, int | None]]:
    """Width, height and number in COCO of all pictures: they are 108,077."""
    entries: dict[int, tuple[int, int, int | None]] = {}
    for record in source.records("image_data.json"):
        with source.skipping(record):
            coco_id = record.whole("coco_id") if record.has("coco_id") else None
            entries[record.whole("image_id")] = record.whole("width"), record.whole("height"), coco_id
    return entries


def _validation_pictures(source: Source) -> frozenset[int]:
    """Numbers in COCO of Karpathy's 5,000 validation pictures."""
    karpathy = Source(root=source.root, folder=coco.FOLDER, split=source.split, how=source.how)
    if not karpathy.has(KARPATHY):
        raise DataError(
            f"{karpathy.path} has no {KARPATHY}, which says which pictures of Visual Genome are for validation: put "
            "caption_datasets.zip, with Karpathy's splits of COCO, there."
        )
    found: set[int] = set()
    for record in karpathy.records(KARPATHY, "images"):
        with karpathy.skipping(record):
            if record.text("split") == "val":
                found.add(record.whole("cocoid"))
    karpathy.tally.require_few_skipped()
    return frozenset(found)


def _regions(source: Source, record: Record, picture: _Picture) -> Iterator[Region]:
    """Those of a picture that are small, and have a phrase."""
    for region in _counted(source, record, "regions"):
        with source.skipping(region):
            x, y, width, height = (region.number(name) for name in ("x", "y", "width", "height"))
            phrase, number = region.text("phrase"), region.id("region_id")
            if width * height > LARGEST_AREA:
                raise DroppedError(f"region larger than {LARGEST_AREA:,} pixels")
            if not phrase:
                raise DroppedError("phrase empty")
            box = source.box((x, y, x + width, y + height), picture.size, region.place)
            if box is not None:
                yield Region(box=box, phrase=phrase, id=number)


def _questions(source: Source, record: Record) -> Iterator[Question]:
    for asked in _counted(source, record, "qas"):
        with source.skipping(asked):
            yield question_of(source, asked, asked.text("question"), [asked.text("answer")], id=asked.id("qa_id"))


def _counted(source: Source, record: Record, name: str) -> Iterator[Record]:
    """The parts of a picture's record. They count as records: each of them can be broken by itself."""
    with source.skipping(record):
        yield from source.counted(iter(record.records(name)))


def _data_set(name: str, title: str, task: Task, read: Callable[[Source], Iterator[Sample]]) -> DataSet:
    return DataSet(
        name=name,
        title=title,
        folder=FOLDER,
        licence="annotations CC BY 4.0; pictures by their owners on Flickr, under Flickr's terms",
        splits=("train", "validation"),
        tasks=(task,),
        read=read,
    )


VISUAL_GENOME_GROUNDING = _data_set(
    "visual_genome grounding", "Visual Genome, regions found", "visual_grounding", read_grounding
)
VISUAL_GENOME_DENSE = _data_set(
    "visual_genome dense", "Visual Genome, regions described", "dense_captioning", read_dense
)
VISUAL_GENOME_QA = _data_set("visual_genome qa", "Visual Genome, questions", "vqa", read_questions)
