"""A-OKVQA: questions on pictures of COCO that take knowledge of the world, with four choices.

    coco/aokvqa_v1p0_{train,val,test}.json
    coco/{train2017,val2017}/
    coco/test2017/000000000001.jpg            or the same picture in test2015/

In training each question is there with its right choice at every letter (`vlm.data.rotation`); questions are not
packed. The answers of the test set are not given out.
"""

from collections.abc import Iterator

from vlm.data.answers import question_of
from vlm.data.data_set import DataSet
from vlm.data.readers.coco import FOLDER, name_of, picture_of
from vlm.data.records import Record
from vlm.data.rotation import require_one_right, swapped, variants
from vlm.data.source import Source
from vlm.sample import Question, Sample

NAME = "aokvqa"
FILES = {"train": "train", "validation": "val", "test": "test"}

CORRECTED = {"bCjS888uSeyRMczZageqTp": ["n", "w", "a", "e"]}
"""Choices that are broken in the file, by question (reference-facts, 5.3)."""


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    is_test = source.split == "test"
    for record in source.records(f"aokvqa_v1p0_{FILES[source.split]}.json"):
        with source.skipping(record):
            image_id = record.whole("image_id")
            question = _unanswered(source, record) if is_test else _answered(source, record)
            made = variants(source, question, swapped)
            image = _test_picture(source, image_id) if is_test else picture_of(source, image_id)
            for number, variant in enumerate(made):
                yield Sample(
                    id=f"{NAME}-{question.id}" + (f"-{number}" if len(made) > 1 else ""),
                    image=image,
                    task="multiple_choice_vqa",
                    source=NAME,
                    questions=(variant,),
                    known_as=(f"coco-test:{image_id}" if is_test else name_of(image_id),),
                    answered=not is_test,
                    as_published=source.how.as_published,
                )


def _answered(source: Source, record: Record) -> Question:
    choices, right = _choices(source, record), record.whole("correct_choice_idx")
    if not 0 <= right < len(choices):
        record.refuse(f"choice {right} is right, and there are {len(choices)}")
    text, number = record.text("question"), record.id("question_id")
    asked = question_of(source, record, text, [choices[right]], id=number, options=choices)
    return require_one_right(source, record, asked)


def _unanswered(source: Source, record: Record) -> Question:
    choices = _choices(source, record)
    return question_of(source, record, record.text("question"), (), id=record.id("question_id"), options=choices)


def _choices(source: Source, record: Record) -> tuple[str, ...]:
    corrected = CORRECTED.get(record.id("question_id"))
    if corrected is not None:
        source.tally.changed["broken choices put right"] += 1
        return tuple(corrected)
    return tuple(choice.strip() for choice in record.texts("choices"))


def _test_picture(source: Source, image_id: int) -> str:
    """COCO's test pictures of 2017 are some of those of 2015, which VQAv2 needs anyway."""
    return source.picture(f"test2017/{image_id:012d}.jpg", f"test2015/COCO_test2015_{image_id:012d}.jpg")


A_OKVQA = DataSet(
    name=NAME,
    title="A-OKVQA",
    folder=FOLDER,
    licence="annotations Apache 2.0; pictures by their owners on Flickr, under Flickr's terms",
    splits=("train", "validation", "test"),
    tasks=("multiple_choice_vqa",),
    read=read,
)
