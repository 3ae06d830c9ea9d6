"""POPE: is there such a thing in the picture? Things that are not there are drawn in three ways, each a benchmark.

    coco/coco_pope_{adversarial,popular,random}.json  JSON lines, in spite of the name
    coco/{train2017,val2017}/                         for COCO_val2014_000000310196.jpg: that picture of 2014

adversarial: things often seen with those of the picture; popular: things often seen at all; random: any. There is a
test split alone, and nothing of it is trained on (reference-facts, 5.3; paper, Table 9).
"""

from collections.abc import Iterator
from functools import partial

from vlm.data.data_set import DataSet
from vlm.data.readers.coco import FOLDER, name_of, number_of, picture_of
from vlm.data.source import Source
from vlm.sample import Question, Sample


def read(source: Source, name: str) -> Iterator[Sample]:
    """See the module."""
    for record in source.records(f"coco_{name}.json", lines=True):
        with source.skipping(record):
            image_id, number = number_of(record), record.id("question_id")
            question, answer = record.text("text"), record.text("label")
            if not question:
                record.refuse("the question is empty")
            if answer not in ("yes", "no"):
                record.refuse(f"'label' should be yes or no and is {answer!r}")
            yield Sample(
                id=f"{name}-{number}",
                image=picture_of(source, image_id),
                task="vqa",
                source=name,
                questions=(Question(question=question, answer=answer, id=number),),
                known_as=(name_of(image_id),),
                as_published=source.how.as_published,
            )


def _benchmark(way: str) -> DataSet:
    name = f"pope_{way}"
    return DataSet(
        name=name,
        title=f"POPE, {way}",
        folder=FOLDER,
        licence="questions MIT; pictures by their owners on Flickr, under Flickr's terms",
        splits=("test",),
        tasks=("vqa",),
        read=partial(read, name=name),
    )


POPE_ADVERSARIAL = _benchmark("adversarial")
POPE_POPULAR = _benchmark("popular")
POPE_RANDOM = _benchmark("random")
