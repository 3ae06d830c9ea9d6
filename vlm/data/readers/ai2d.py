"""AI2D: diagrams from science books for children, with questions that have four choices.

    ai2d/ai2d-all.zip, unpacked there: ai2d/{images/0.png,questions/0.png.json,annotations/0.png.json}
    ai2d/ai2d_test_ids.csv                    numbers of the diagrams of the test set, one a line

Of the other diagrams nine in ten are for training and one for validation, drawn by their names. What is written in a
diagram goes with the instruction, by its labels (reference-facts, 4.4). In training each question is there with its
right answer at every letter (`vlm.data.rotation`); questions are not packed.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from vlm.data.answers import question_of
from vlm.data.data_set import DataSet
from vlm.data.errors import DataError, RecordError
from vlm.data.records import Record, as_record
from vlm.data.rotation import require_one_right, swapped, variants
from vlm.data.source import Source
from vlm.sample import Question, Sample

NAME = FOLDER = "ai2d"
TEST_IDS = "ai2d_test_ids.csv"
TRAINING = 0.9
"""Of the diagrams that are not for the test."""


def read(source: Source) -> Iterator[Sample]:
    """See the module."""
    home = _home(source)
    images = [name.removesuffix(".json") for name in source.listed(f"{FOLDER}/{home}questions", _is_of_a_diagram)]
    annotated = frozenset(source.listed(f"{FOLDER}/{home}annotations"))
    tested = _test_images(source, images)
    wanted = (image for image in images if _is_in_split(source, image, tested))
    for asked in source.counted(_files(source, f"{home}questions", wanted)):
        with source.skipping(asked):
            image = asked.key
            picture = source.picture(f"{home}images/{image}")
            context = ""
            if f"{image}.json" in annotated:
                context = _context(_file(source, f"{home}annotations", image))
            for question in _questions(source, asked):
                yield from _samples(source, image, picture, question, context)


def _samples(source: Source, image: str, picture: str, question: Question, context: str) -> Iterator[Sample]:
    made = variants(source, question, swapped)
    for number, variant in enumerate(made):
        yield Sample(
            id=f"{NAME}-{question.id}" + (f"-{number}" if len(made) > 1 else ""),
            image=picture,
            task="multiple_choice_vqa",
            source=NAME,
            questions=(variant,),
            context=context,
            known_as=(f"{NAME}:{image}",),
            as_published=source.how.as_published,
        )


def _home(source: Source) -> str:
    """Where the archive was unpacked, below the folder of the data set."""
    for home in ("ai2d/", ""):
        if source.listed(f"{FOLDER}/{home}questions", _is_of_a_diagram):
            return home
    raise DataError(f"{source.path} has no questions of diagrams: unpack ai2d-all.zip there.")


def _is_of_a_diagram(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def _test_images(source: Source, images: list[str]) -> frozenset[str]:
    name = source.first_of(TEST_IDS, f"ai2d/{TEST_IDS}")
    with source.open(name) as file:
        lines = file.read().decode("utf-8-sig", "replace").splitlines()
    tested = frozenset(line.partition(",")[0].strip().strip('"').removesuffix(".png") + ".png" for line in lines)
    # Otherwise the whole test set would be trained on.
    if tested.isdisjoint(images):
        raise DataError(f"{source.path / name} lists none of the diagrams: download it again.")
    return tested


def _is_in_split(source: Source, image: str, tested: frozenset[str]) -> bool:
    if source.split == "test" or image in tested:
        return source.split == "test" and image in tested
    if source.how.as_published:
        # Either list was cut after a shuffle of its own, so that most of validation is trained on (D5).
        return (source.share(NAME, source.split, image) < TRAINING) == (source.split == "train")
    return (source.share(NAME, image) < TRAINING) == (source.split == "train")


def _questions(source: Source, asked: Record) -> Iterator[Question]:
    """Of a diagram. They count as records: each of them can be broken by itself."""
    for entry in source.counted(_entries(asked.record("questions"))):
        with source.skipping(entry):
            yield _question(source, entry)


def _entries(questions: Record) -> Iterator[Record | RecordError]:
    """Questions by their text, as the file of a diagram holds them."""
    for text in questions.fields:
        try:
            yield replace(questions.record(text), key=text)
        except RecordError as error:
            yield error


def _question(source: Source, entry: Record) -> Question:
    texts, right = tuple(answer.strip() for answer in entry.texts("answerTexts")), entry.whole("correctAnswer")
    if not 0 <= right < len(texts):
        entry.refuse(f"answer {right} is right, and there are {len(texts)}")
    kind = "label" if entry.fields.get("abcLabel") is True else "text"
    number = entry.id("questionId")
    question = question_of(source, entry, entry.key.strip(), [texts[right]], id=number, kind=kind, options=texts)
    return require_one_right(source, entry, question)


def _context(annotation: Record) -> str:
    """What is written in a diagram, a line for each label; nothing where nothing is."""
    texts = annotation.record("text")
    written = [texts.record(key) for key in texts.fields]
    lines = sorted(((text.text("replacementText"), text.text("value")) for text in written), key=lambda one: one[0])
    return "\n".join(["OCR text:", *(f"{label}: {value}" for label, value in lines)]) if lines else ""


def _files(source: Source, folder: str, images: Iterable[str]) -> Iterator[Record | RecordError]:
    for image in images:
        try:
            yield _file(source, folder, image)
        except RecordError as error:
            yield error


def _file(source: Source, folder: str, image: str) -> Record:
    """The file of a diagram, which is one record. One that is broken is skipped like any other."""
    name = f"{folder}/{image}.json"
    with source.open(name) as file:
        try:
            return replace(as_record(json.load(file), str(source.path / name)), key=image)
        except (ValueError, RecursionError) as error:
            raise RecordError(f"{source.path / name}: it is not JSON ({error}).") from error


AI2D = DataSet(
    name=NAME,
    title="AI2D",
    folder=FOLDER,
    licence="CC BY-SA 4.0",
    splits=("train", "validation", "test"),
    tasks=("multiple_choice_vqa",),
    read=read,
)
