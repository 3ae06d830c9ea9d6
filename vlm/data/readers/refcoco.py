"""RefCOCO, RefCOCO+ and RefCOCOg: what people say so that others find one thing among several in a picture of COCO.

    coco/refcoco/{refs(unc).p,instances.json}      in refcoco.zip
    coco/refcoco+/{refs(unc).p,instances.json}     in refcoco+.zip
    coco/refcocog/{refs(umd).p,instances.json}     in refcocog.zip
    coco/{train2017,val2017}/

Each set is asked for in both directions (paper, Table 4): a box for an expression, and an expression for a box. In
training and validation all regions of a picture stand together in one sample, without a limit (reference-facts, 5.3);
in the test splits, which are scored by expression, each stands alone: testA and testB of RefCOCO and RefCOCO+, test of
RefCOCOg. The text is `sent`, the cleaned one that results on these sets are computed from.

Grounding has all expressions of an object. Dense captioning has one that is drawn, and is not scored: the same box
asked for several times would have answers that contradict each other. As published there is one expression of an
object, the last, in the test splits too, and dense captioning is visual grounding once more (D2).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from vlm.data.data_set import DataSet
from vlm.data.errors import DataError, RecordError
from vlm.data.pickles import plain_value
from vlm.data.readers.coco import FOLDER, name_of, picture_of
from vlm.data.records import Record, as_record
from vlm.data.source import Source
from vlm.sample import Box, Region, Sample, Split, Task

SPLIT_BY = {"refcoco": "unc", "refcoco+": "unc", "refcocog": "umd"}
"""Who divided the set into splits, which the name of its file tells."""

PARTS: dict[Split, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("val",),
    "test": ("testA", "testB", "test"),
}


@dataclass(frozen=True)
class _Object:
    """A thing that is referred to, and how."""

    annotation: int
    image_id: int
    part: str
    expressions: tuple[Region, ...]


def read_grounding(name: str, source: Source) -> Iterator[Sample]:
    """Boxes for expressions."""
    objects = _objects(source, name)
    if source.how.as_published:
        objects = _last_of_each(objects)
    return _samples(source, name, name, "visual_grounding", objects)


def read_dense(name: str, source: Source) -> Iterator[Sample]:
    """Expressions for boxes."""
    objects, prefix = _objects(source, name), f"{name}-dense"
    if source.how.as_published:
        return _samples(source, name, prefix, "visual_grounding", _last_of_each(objects))
    return _samples(source, name, prefix, "dense_captioning", _one_of_each(source, name, objects))


def _samples(source: Source, name: str, prefix: str, task: Task, objects: Iterable[_Object]) -> Iterator[Sample]:
    """Of objects in any order; pictures come in the order in which they are first met."""
    by_picture: dict[int, list[_Object]] = {}
    for one in objects:
        by_picture.setdefault(one.image_id, []).append(one)
    for image_id, together in by_picture.items():
        with source.skipping(Record(f"{name}, picture {image_id}", {})):
            image = picture_of(source, image_id)
            regions = [(one.part, region) for one in together for region in one.expressions]
            packs = [[one] for one in regions] if source.split == "test" else [regions]
            for pack in packs:
                part, first = pack[0]
                yield Sample(
                    id=f"{prefix}-{first.id if source.split == 'test' else image_id}",
                    image=image,
                    task=task,
                    source=name,
                    regions=tuple(region for _, region in pack),
                    group=part if source.split == "test" else "",
                    known_as=(name_of(image_id),),
                    as_published=source.how.as_published,
                )


def _objects(source: Source, name: str) -> Iterator[_Object]:
    """What is referred to in this split, in the order of the file."""
    references = list(_references(source, name))
    boxes = _boxes(source, name, references)
    for record in references:
        with source.skipping(record):
            image_id, annotation = _key(record)
            if (image_id, annotation) not in boxes:
                record.refuse(f"annotation {annotation} of picture {image_id} is not in {name}/instances.json")
            box = boxes[image_id, annotation]
            if box is None:
                continue
            expressions = tuple(_expressions(source, record, box))
            if expressions:
                yield _Object(annotation, image_id, record.text("split"), expressions)


def _references(source: Source, name: str) -> Iterator[Record]:
    """Records of the split."""
    for record in references_in(source, f"{name}/refs({SPLIT_BY[name]}).p"):
        with source.skipping(record):
            if record.text("split") in PARTS[source.split]:
                _key(record)  # refused here, it need not be where others ask for it
                yield record


def references_in(source: Source, file_name: str) -> Iterator[Record]:
    """All records of a file, counted. It is a pickle, which cannot be read in parts: it is held in memory.

    Raises:
        DataError: it holds no list, or cannot be read.
    """
    path = str(source.path / file_name)
    with source.open(file_name) as file:
        if source.first is not None:
            return  # a first look: reading it takes seconds
        value = plain_value(file, path)
    if not isinstance(value, list):
        raise DataError(f"{path} holds no list of references: take the file that its data set gives out.")
    yield from source.counted(_as_records(value, path))


def _key(record: Record) -> tuple[int, int]:
    """Picture and annotation of a reference."""
    return record.whole("image_id"), record.whole("ann_id")


def _as_records(values: list[object], path: str) -> Iterator[Record | RecordError]:
    for number, value in enumerate(values, start=1):
        try:
            yield as_record(value, f"{path}, reference {number:,}")
        except RecordError as error:
            yield error


def _boxes(source: Source, name: str, references: list[Record]) -> dict[tuple[int, int], Box | None]:
    """By picture and annotation, of those that are referred to; None where nothing of a box is within its picture."""
    wanted = {_key(record) for record in references}
    pictures = {image_id for image_id, _ in wanted}
    instances = f"{name}/instances.json"
    sizes: dict[int, tuple[int, int]] = {}
    for record in source.records(instances, "images"):
        with source.skipping(record):
            if record.whole("id") in pictures:
                sizes[record.whole("id")] = record.whole("width"), record.whole("height")
    boxes: dict[tuple[int, int], Box | None] = {}
    for record in source.records(instances, "annotations"):
        with source.skipping(record):
            key = record.whole("image_id"), record.whole("id")
            if key in wanted:
                if key[0] not in sizes:
                    record.refuse(f"picture {key[0]} has no size in {instances}")
                x, y, width, height = record.numbers("bbox", 4)
                boxes[key] = source.box((x, y, x + width, y + height), sizes[key[0]], record.place)
    return boxes


def _expressions(source: Source, record: Record, box: Box) -> Iterator[Region]:
    """Of a reference. Their names tell it, so that one of each object can be taken later."""
    reference = record.id("ref_id")
    for sentence in record.records("sentences"):
        with source.skipping(sentence):
            text = sentence.text("sent")
            if text:
                yield Region(box=box, phrase=text, id=f"{reference}.{sentence.id('sent_id')}")
            else:
                source.tally.drop("phrase empty", sentence.place)


def _by_annotation(objects: Iterable[_Object]) -> Iterator[_Object]:
    """References to the same thing together, where the first of them stands."""
    found: dict[int, _Object] = {}
    for one in objects:
        before = found.get(one.annotation)
        expressions = (*before.expressions, *one.expressions) if before else one.expressions
        found[one.annotation] = _Object(one.annotation, one.image_id, one.part, expressions)
    yield from found.values()


def _last_of_each(objects: Iterable[_Object]) -> Iterator[_Object]:
    for one in _by_annotation(objects):
        yield _Object(one.annotation, one.image_id, one.part, one.expressions[-1:])


def _one_of_each(source: Source, name: str, objects: Iterable[_Object]) -> Iterator[_Object]:
    """With the expression that is drawn."""
    for one in _by_annotation(objects):
        drawn = min(one.expressions, key=lambda region: source.share(name, "expression", region.id))
        yield _Object(one.annotation, one.image_id, one.part, (drawn,))


LICENCE = "annotations: none is named; pictures by their owners on Flickr, under Flickr's terms"


def _grounding_set(name: str, title: str) -> DataSet:
    return DataSet(
        name=name,
        title=title,
        folder=FOLDER,
        licence=LICENCE,
        splits=("train", "validation", "test"),
        tasks=("visual_grounding",),
        read=partial(read_grounding, name),
    )


def _dense_set(name: str, title: str) -> DataSet:
    return DataSet(
        name=f"{name} dense",
        title=f"{title}, regions described",
        folder=FOLDER,
        licence=LICENCE,
        splits=("train", "validation"),
        tasks=("dense_captioning",),
        read=partial(read_dense, name),
    )


REFCOCO = _grounding_set("refcoco", "RefCOCO")
REFCOCO_PLUS = _grounding_set("refcoco+", "RefCOCO+")
REFCOCO_G = _grounding_set("refcocog", "RefCOCOg")
REFCOCO_DENSE = _dense_set("refcoco", "RefCOCO")
REFCOCO_PLUS_DENSE = _dense_set("refcoco+", "RefCOCO+")
REFCOCO_G_DENSE = _dense_set("refcocog", "RefCOCOg")
