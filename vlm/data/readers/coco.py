"""COCO: the pictures of many data sets, and captions in Karpathy's splits.

    coco/{train2017,val2017}/000000000009.jpg         pictures of train2014 and val2014 under the names of 2017
    coco/test2015/COCO_test2015_000000000001.jpg
    coco/dataset_coco.json                            in caption_datasets.zip

Captions of a picture never share a sample (paper, appendix A.3). Training, which takes in Karpathy's `restval`, and
validation have a sample for each caption, as the public implementation has (reference-facts, 5.3). The test split,
which is scored, has one for each picture. All but those of training carry all captions of their picture as references.
"""

from collections.abc import Iterator
from pathlib import Path

from vlm.data.data_set import DataSet
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Sample

FOLDER = "coco"
NAME = "coco"
KARPATHY = {"train": "train", "restval": "train", "val": "validation", "test": "test"}


def picture_of(source: Source, image_id: int) -> str:
    """The picture with this number, of the training or validation pictures.

    Raises:
        vlm.data.errors.DroppedError: it is missing.
        vlm.data.errors.DataError: the folders are.
    """
    name = f"{image_id:012d}.jpg"
    return source.picture(f"/{FOLDER}/train2017/{name}", f"/{FOLDER}/val2017/{name}")


def name_of(image_id: int) -> str:
    """What `Sample.known_as` says of it."""
    return f"coco:{image_id}"


def number_of(record: Record, name: str = "image") -> int:
    """The picture's number, from the field with its file name: 000000000009.jpg, or COCO_val2014_000000000009.jpg.

    Raises:
        vlm.data.errors.RecordError: it is no such name.
    """
    digits = Path(record.text(name)).stem.rpartition("_")[2]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len("000000000009")):
        record.refuse(f"{name!r} should be the file name of a picture of COCO and is {record.text(name)!r}")
    return int(digits)


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    for record in source.records("dataset_coco.json", "images"):
        with source.skipping(record):
            split = record.text("split")
            if split not in KARPATHY:
                record.refuse(f"'split' should be one of {', '.join(KARPATHY)} and is {split!r}")
            if KARPATHY[split] == source.split:
                yield from _samples(source, record)


def _samples(source: Source, record: Record) -> Iterator[Sample]:
    """Of one picture."""
    image_id = record.whole("cocoid")
    captions = {sentence.id("sentid"): sentence.text("raw") for sentence in record.records("sentences")}
    if empty := sum(not caption for caption in captions.values()):
        source.tally.drop("caption empty", record.place, empty)
    captions = {number: caption for number, caption in captions.items() if caption}
    if not captions:
        return
    references = () if source.split == "train" else tuple(captions.values())
    scored = source.split == "test"
    image = picture_of(source, image_id)
    for number, caption in list(captions.items())[: 1 if scored else None]:
        yield Sample(
            id=f"{NAME}-{image_id}" if scored else f"{NAME}-{image_id}-{number}",
            image=image,
            task="captioning",
            source=NAME,
            caption=caption,
            references=references,
            known_as=(name_of(image_id),),
            as_published=source.how.as_published,
        )


COCO = DataSet(
    name=NAME,
    title="COCO captions",
    folder=FOLDER,
    licence="annotations CC BY 4.0; pictures by their owners on Flickr, under Flickr's terms",
    splits=("train", "validation", "test"),
    tasks=("captioning",),
    read=read,
)
