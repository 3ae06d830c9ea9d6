"""TextCaps: captions of pictures of Open Images that have something to read in them.

    textcaps/TextCaps_0.1_{train,val,test}.json
    textcaps/train_images/011e7e629fb9ae7b.jpg        of the training and the validation split
    textcaps/test_images/

Training has a sample for each caption. Validation, which the paper scores, has one for each picture with all its
captions as references, and so has the test split, whose captions are not given out. What was read in the pictures
(TextVQA_Rosetta_OCR) is not shown to the model (reference-facts, 5.3).
"""

import dataclasses
from collections.abc import Iterator

from vlm.data.data_set import DataSet
from vlm.data.errors import DroppedError
from vlm.data.packs import packs, sorted_by
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Sample

NAME = "textcaps"
FILES = {"train": "train", "validation": "val", "test": "test"}
FIELDS = ("image_id", "caption_id", "caption_str")


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    captions = _captions(source)
    if source.split == "train":
        for record in captions:
            with source.skipping(record):
                yield _sample(source, record, record.id("caption_id"), record.text("caption_str"))
        return
    # The file does not promise that the captions of a picture are neighbours.
    for pack in packs(sorted_by(captions, _image_id), _image_id, None):
        with source.skipping(pack[0]):
            texts = () if source.split == "test" else tuple(record.text("caption_str") for record in pack)
            yield _sample(source, pack[0], _image_id(pack[0]), *texts)


def _captions(source: Source) -> Iterator[Record]:
    """The records that can be used. Most of each is tokens, which sorting need not hold: they are left out."""
    for record in source.records(f"TextCaps_0.1_{FILES[source.split]}.json", "data"):
        with source.skipping(record):
            record.text("image_id")
            if source.split != "test" and not record.text("caption_str"):
                raise DroppedError("caption empty", record.place)
            used = {name: record.fields[name] for name in FIELDS if name in record.fields}
            yield dataclasses.replace(record, fields=used)


def _image_id(record: Record) -> str:
    return record.text("image_id")


def _sample(source: Source, record: Record, number: str, *captions: str) -> Sample:
    image_id = _image_id(record)
    folder = "test_images" if source.split == "test" else "train_images"
    return Sample(
        id=f"{NAME}-{number}",
        image=source.picture(f"{folder}/{image_id}.jpg"),
        task="captioning",
        source=NAME,
        caption=captions[0] if captions else "",
        references=() if source.split == "train" else captions,
        known_as=(f"openimages:{image_id}",),
        answered=bool(captions),
        as_published=source.how.as_published,
    )


TEXTCAPS = DataSet(
    name=NAME,
    title="TextCaps",
    folder="textcaps",
    licence="annotations CC BY 4.0; pictures CC BY 2.0 by their owners on Flickr",
    splits=("train", "validation", "test"),
    tasks=("captioning",),
    read=read,
)
