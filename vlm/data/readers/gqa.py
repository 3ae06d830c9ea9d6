"""GQA: questions that were made from scene graphs, on pictures of Visual Genome.

    gqa/{train,val,testdev,test}_balanced_questions.json                these and the next in questions1.2.zip
    gqa/train_all_questions/train_all_questions_{0..9}.json             or one file, train_all_questions.json
    gqa/val_all_questions.json
    gqa/images/2370799.jpg

The answer is the short one. In training and validation questions of a picture stand together in one sample; their files
are not in the order of pictures, and are sorted outside of memory. Tested is on testdev, one question a sample, as in
the paper, and always on its balanced questions; questions of the hidden test follow where their file is there.
"""

from collections.abc import Iterator
from typing import NamedTuple

from vlm.data.answers import question_of
from vlm.data.data_set import DataSet
from vlm.data.packs import limit_of, packs, sorted_by
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Question, Sample

NAME = "gqa"
FOLDER = "gqa"
FILES = {"train": "train", "validation": "val"}
PARTS = 10
"""Files that all questions of training come in."""


class Asked(NamedTuple):
    """What is kept of a record while questions are sorted: most of a record is its scene graph's."""

    image: str
    question: Question
    place: str


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    if source.split == "test":
        yield from _alone(source, "testdev", answered=True)
        if source.has(_balanced("test")):
            yield from _alone(source, "test", answered=False)
        return
    most = limit_of(NAME, source.how.as_published)
    for pack in packs(sorted_by(_all_asked(source), _image), _image, most):
        first = pack[0]
        with source.skipping(Record(first.place, {})):
            yield Sample(
                id=f"{NAME}-{first.question.id}",
                image=source.picture(f"images/{first.image}.jpg"),
                task="vqa",
                source=NAME,
                questions=tuple(asked.question for asked in pack),
                known_as=(_name_of(first.image),),
                as_published=source.how.as_published,
            )


def _all_asked(source: Source) -> Iterator[Asked]:
    for name in _files(source):
        for record in source.records(name):
            with source.skipping(record):
                yield _asked(source, record)


def _asked(source: Source, record: Record, *, answered: bool = True) -> Asked:
    given = (record.text("answer"),) if answered else ()
    kind = record.record("types").text("structural") if record.has("types") else ""
    question = question_of(source, record, record.text("question"), given, id=record.key, kind=kind)
    return Asked(record.id("imageId"), question, record.place)


def _alone(source: Source, group: str, *, answered: bool) -> Iterator[Sample]:
    for record in source.records(_balanced(group)):
        with source.skipping(record):
            asked = _asked(source, record, answered=answered)
            yield Sample(
                id=f"{NAME}-{group}-{record.key}",
                image=source.picture(f"images/{asked.image}.jpg"),
                task="vqa",
                source=NAME,
                questions=(asked.question,),
                group=group,
                known_as=(_name_of(asked.image),),
                answered=answered,
                as_published=source.how.as_published,
            )


def _files(source: Source) -> list[str]:
    part = FILES[source.split]
    if not source.how.all_of_gqa:
        return [_balanced(part)]
    whole = f"{part}_all_questions.json"
    if part != "train":
        return [whole]
    parts = [f"train_all_questions/train_all_questions_{number}.json" for number in range(PARTS)]
    return [whole] if source.first_of(whole, parts[0]) == whole else parts


def _balanced(part: str) -> str:
    return f"{part}_balanced_questions.json"


def _image(asked: Asked) -> str:
    return asked.image


def _name_of(image: str) -> str:
    """Plain numbers are those of Visual Genome; pictures that were added for the tests begin with an n."""
    return f"vg:{image}" if image.isdecimal() else f"gqa:{image}"


GQA = DataSet(
    name=NAME,
    title="GQA",
    folder=FOLDER,
    licence="annotations CC BY 4.0; pictures by their owners on Flickr, under Flickr's terms",
    splits=("train", "validation", "test"),
    tasks=("vqa",),
    read=read,
)
