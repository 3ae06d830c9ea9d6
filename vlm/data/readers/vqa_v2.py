"""VQAv2: questions on pictures of COCO, each answered by ten people.

    coco/v2_OpenEnded_mscoco_{train2014,val2014,test-dev2015,test2015}_questions.json
    coco/v2_mscoco_{train2014,val2014}_annotations.json
    coco/{train2017,val2017,test2015}/

The answer is what most of the ten said. Questions of a picture stand together in one sample; those of the test sets,
whose answers are not given out, each by itself.
"""

from collections.abc import Iterator

from vlm.data.answers import question_of
from vlm.data.data_set import DataSet
from vlm.data.packs import joined, limit_of, packs
from vlm.data.readers.coco import FOLDER, name_of, picture_of
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Question, Sample

NAME = "vqa_v2"
YEARS = {"train": "train2014", "validation": "val2014"}
TESTS = {"testdev": "test-dev2015", "teststd": "test2015"}
ANNOTATORS = 10


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    if source.split == "test":
        for group, year in TESTS.items():
            yield from _unanswered(source, group, year)
        return
    most = limit_of(NAME, source.how.as_published)
    for pack in packs(_answered(source), lambda one: one[0].fields["image_id"], most):
        record, _ = pack[0]
        with source.skipping(record):
            image_id = record.whole("image_id")
            yield Sample(
                id=f"{NAME}-{record.id('question_id')}",
                image=picture_of(source, image_id),
                task="vqa",
                source=NAME,
                questions=tuple(question for _, question in pack),
                known_as=(name_of(image_id),),
                as_published=source.how.as_published,
            )


def _answered(source: Source) -> Iterator[tuple[Record, Question]]:
    """Records of questions, and what they ask, with the answers of their annotations."""
    year = YEARS[source.split]
    asked = source.records(f"v2_OpenEnded_mscoco_{year}_questions.json", "questions")
    answers = source.records(f"v2_mscoco_{year}_annotations.json", "annotations")
    for record, annotation in joined(asked, answers, _question_id):
        with source.skipping(record):
            record.whole("image_id")
            if annotation is None:
                record.refuse("it has no annotation")
            given = [answer.text("answer") for answer in annotation.records("answers")]
            if len(given) != ANNOTATORS:
                annotation.refuse(f"it has {len(given)} answers, and should have {ANNOTATORS}")
            text, number = record.text("question"), record.id("question_id")
            yield record, question_of(source, record, text, given, id=number, kind=annotation.text("answer_type"))


def _question_id(record: Record) -> str:
    return str(record.fields.get("question_id"))


def _unanswered(source: Source, group: str, year: str) -> Iterator[Sample]:
    for record in source.records(f"v2_OpenEnded_mscoco_{year}_questions.json", "questions"):
        with source.skipping(record):
            image_id, number = record.whole("image_id"), record.id("question_id")
            yield Sample(
                id=f"{NAME}-{group}-{number}",
                image=source.picture(f"test2015/COCO_test2015_{image_id:012d}.jpg"),
                task="vqa",
                source=NAME,
                questions=(question_of(source, record, record.text("question"), (), id=number),),
                group=group,
                known_as=(f"coco-test:{image_id}",),
                answered=False,
                as_published=source.how.as_published,
            )


VQA_V2 = DataSet(
    name=NAME,
    title="VQAv2",
    folder=FOLDER,
    licence="annotations CC BY 4.0; pictures by their owners on Flickr, under Flickr's terms",
    splits=("train", "validation", "test"),
    tasks=("vqa",),
    read=read,
)
