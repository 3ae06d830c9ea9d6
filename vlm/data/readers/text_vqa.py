"""TextVQA: questions on text in pictures of Open Images, each answered by ten people.

    textcaps/TextVQA_0.5.1_{train,val,test}.json
    textcaps/TextVQA_Rosetta_OCR_v0.2_{train,val,test}.json
    textcaps/{train_images,test_images}/0054c91397f2fe05.jpg        those of validation are with the training pictures

The answer is what most of the ten said. In training all questions of a picture stand together in one sample, wherever
they stand in the file; as published, neighbours alone do.
Validation is what the paper scores, and the test is like it, without answers: each question by itself, with the text
that was read in the picture (reference-facts, 4.4 and 7.2).
"""

from collections.abc import Iterator

from vlm.data.answers import question_of
from vlm.data.data_set import DataSet
from vlm.data.packs import limit_of, packs, sorted_by
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Question, Sample, Split

NAME = "text_vqa"
FOLDER = "textcaps"
FILES: dict[Split, str] = {"train": "train", "validation": "val", "test": "test"}
PICTURES: dict[Split, str] = {"train": "train_images", "validation": "train_images", "test": "test_images"}
ANNOTATORS = 10


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    if source.split == "train":
        most = limit_of(NAME, source.how.as_published)
        asked = _asked(source)
        if not source.how.as_published:
            asked = sorted_by(asked, _picture)
        for pack in packs(asked, _picture, most):
            record, _ = pack[0]
            with source.skipping(record):
                yield _sample(source, record, tuple(question for _, question in pack))
        return
    texts = _texts(source)
    for record, question in _asked(source):
        with source.skipping(record):
            image_id = record.id("image_id")
            if image_id not in texts:
                record.refuse(f"{_rosetta(source)} has nothing on its picture {image_id}")
            yield _sample(source, record, (question,), texts[image_id])


def _asked(source: Source) -> Iterator[tuple[Record, Question]]:
    for record in source.records(f"TextVQA_0.5.1_{FILES[source.split]}.json", "data"):
        with source.skipping(record):
            record.id("image_id")
            given = record.texts("answers") if source.split != "test" else []
            if source.split != "test" and len(given) != ANNOTATORS:
                record.refuse(f"it has {len(given)} answers, and should have {ANNOTATORS}")
            yield record, question_of(source, record, record.text("question"), given, id=record.id("question_id"))


def _picture(one: tuple[Record, Question]) -> str:
    return one[0].id("image_id")


def _rosetta(source: Source) -> str:
    return f"TextVQA_Rosetta_OCR_v0.2_{FILES[source.split]}.json"


def _texts(source: Source) -> dict[str, str]:
    """What was read in each picture; there are a few thousand."""
    texts = {}
    for record in source.records(_rosetta(source), "data"):
        with source.skipping(record):
            texts[record.id("image_id")] = "OCR text:\n" + " ".join(record.texts("ocr_tokens"))
    return texts


def _sample(source: Source, record: Record, questions: tuple[Question, ...], context: str = "") -> Sample:
    image_id = record.id("image_id")
    return Sample(
        id=f"{NAME}-{questions[0].id}",
        image=source.picture(f"{PICTURES[source.split]}/{image_id}.jpg"),
        task="vqa",
        source=NAME,
        questions=questions,
        context=context,
        known_as=(f"openimages:{image_id}",),
        answered=source.split != "test",
        as_published=source.how.as_published,
    )


TEXT_VQA = DataSet(
    name=NAME,
    title="TextVQA",
    folder=FOLDER,
    licence="annotations CC BY 4.0; pictures of Open Images CC BY 2.0",
    splits=("train", "validation", "test"),
    tasks=("vqa",),
    read=read,
)
