"""Visual Spatial Reasoning: is what a sentence says of the places of two things true of the picture?

    vsr/{train,dev,test}.jsonl                        of the random split, not the zero-shot one
    vsr/images/000000050403.jpg                       or coco/{train2017,val2017}/, whose pictures these are

Task image-text match. The spatial relation is the sample's group. The data set has no numbers of its own: samples are
named by their line (reference-facts, 5.3).
"""

from collections.abc import Iterator

from vlm.data.data_set import DataSet
from vlm.data.readers import coco
from vlm.data.source import Source
from vlm.sample import Sample

NAME = "vsr"
FILES = {"train": "train", "validation": "dev", "test": "test"}


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    file = FILES[source.split]
    for record in source.records(f"{file}.jsonl"):
        with source.skipping(record):
            label = record.whole("label")
            if label not in (0, 1):
                record.refuse(f"'label' should be 0 or 1 and is {label}")
            image_id, name = coco.number_of(record), record.text("image")
            places = (f"images/{name}", *(f"/{coco.FOLDER}/{folder}/{name}" for folder in ("train2017", "val2017")))
            yield Sample(
                id=f"{NAME}-{file}-{record.ordinal}",
                image=source.picture(*places),
                task="image_text_match",
                source=NAME,
                caption=record.text("caption"),
                matches=label == 1,
                group=record.text("relation"),
                known_as=(coco.name_of(image_id),),
                as_published=source.how.as_published,
            )


VSR = DataSet(
    name=NAME,
    title="VSR",
    folder="vsr",
    licence="annotations CC BY 4.0; pictures by their owners on Flickr, under Flickr's terms",
    splits=("train", "validation", "test"),
    tasks=("image_text_match",),
    read=read,
)
