"""Visual7W: questions on pictures of Visual Genome with four choices, which are texts (telling) or boxes (pointing).

    visual7w/dataset_v7w_telling.json         in dataset_v7w_telling.zip
    visual7w/dataset_v7w_pointing.json        in dataset_v7w_pointing.zip; its choices are numbers of boxes
    visual7w/v7w_pointing_answers.json        in dataset_v7w_grounding_annotations.zip: the boxes, in pixels; without
                                              it those are read that dataset_v7w_pointing.json has too
    visual7w/images/v7w_2407890.jpg           in visual7w_images.zip

A file gives the right answer and three wrong ones without an order; they get one that depends on the question alone.
In training every question is there with its right answer at each letter (`vlm.data.rotation`), and the questions of a
picture stand together, each with one of its variants: a sample never asks the same thing twice. The public
implementation inserts the right answer between the others, augments validation too, and draws the order of the test
options at each build (reference-facts, 5.3 and 8 D5, D9, D16).

Questions that nothing can be learned from, such as those whose answer stands twice, are left out of training alone.
"""

from array import array
from collections.abc import Callable, Iterator
from functools import lru_cache

from vlm.data.answers import question_of
from vlm.data.data_set import DataSet
from vlm.data.errors import DroppedError
from vlm.data.packs import limit_of, packs
from vlm.data.records import Record
from vlm.data.rotation import arranged, inserted, require_one_right, settled, variants
from vlm.data.source import Source
from vlm.sample import Box, Question, Sample, Task
from vlm.templates import box_text

FOLDER = "visual7w"
TELLING, POINTING = "visual7w telling", "visual7w pointing"
POINTED, BOXES = "dataset_v7w_pointing.json", "v7w_pointing_answers.json"
SPLITS = {"train": "train", "validation": "val", "test": "test"}
WRONG = 3

Choices = tuple[str, tuple[str, ...] | tuple[Box, ...]]
"""The answer, and all options."""
ChoicesOf = Callable[[Record, str], Choices]
"""Of a record of a question, and the picture that it is about."""


def read_telling(source: Source) -> Iterator[Sample]:
    """See the module."""
    yield from _samples(source, TELLING, "multiple_choice_vqa", "dataset_v7w_telling.json", _texts)


def read_pointing(source: Source) -> Iterator[Sample]:
    """See the module."""
    boxes = _Boxes(source)
    yield from _samples(source, POINTING, "grounded_multiple_choice_vqa", POINTED, boxes.choices)


def _samples(source: Source, name: str, task: Task, file: str, choices_of: ChoicesOf) -> Iterator[Sample]:
    for record in source.records(file, "images"):
        with source.skipping(record):
            if record.text("split") != SPLITS[source.split]:
                continue
            image_id, image = record.id("image_id"), source.picture(f"images/{record.text('filename')}")
            questions = list(_questions(source, record, image, choices_of))
            for ending, pack in _packs(source, name, questions):
                yield Sample(
                    id=f"{name.replace(' ', '_')}-{pack[0].id}{ending}",
                    image=image,
                    task=task,
                    source=name,
                    questions=tuple(pack),
                    known_as=(f"vg:{image_id}",),
                    as_published=source.how.as_published,
                )


def _questions(source: Source, record: Record, image: str, choices_of: ChoicesOf) -> Iterator[Question]:
    """With the right answer first among the options."""
    for pair in source.counted(iter(record.records("qa_pairs"))):
        with source.skipping(pair):
            answer, options = choices_of(pair, image)
            if len(options) != 1 + WRONG:
                pair.refuse(f"it has {len(options) - 1} wrong choices, and should have {WRONG}")
            text, number = pair.text("question"), pair.id("qa_id")
            question = question_of(source, pair, text, [answer], id=number, kind=pair.text("type"), options=options)
            yield require_one_right(source, pair, question)


def _packs(source: Source, name: str, questions: list[Question]) -> Iterator[tuple[str, list[Question]]]:
    """Questions of a picture that stand together in a sample, and how its name ends."""
    columns = [_variants(source, name, question) for question in questions]
    is_augmented = any(len(column) > 1 for column in columns)
    most = 1 if source.split == "test" else limit_of(name, source.how.as_published)
    for number, variants_of_all in enumerate(zip(*columns, strict=True)):
        row = list(variants_of_all)
        if is_augmented:
            # What does not fit into max_length is left out from the end: let it not be the same one in all rows.
            source.chance("row", name, number, questions[0].id).shuffle(row)
        for pack in packs(row, lambda _: None, most):
            yield f"-{number}" if is_augmented else "", pack


def _variants(source: Source, name: str, question: Question) -> list[Question]:
    if not source.how.as_published:
        question = settled(question)
    elif source.split == "test":
        places = range(len(question.options))
        question = arranged(question, source.chance("options", name, question.id).sample(places, len(places)))
    made = variants(source, question, inserted)
    source.chance("variants", name, question.id).shuffle(made)
    return made


def _texts(pair: Record, image: str) -> Choices:
    answer = pair.text("answer")
    return answer, (answer, *(wrong.strip() for wrong in pair.texts("multiple_choices")))


class _Boxes:
    """All boxes of the pointing questions, by their numbers: half a million of them, kept small."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._size = lru_cache(maxsize=1)(source.size)
        self._shares = lru_cache(maxsize=1_024)(self._shares_of)  # so that each is counted once, if it is cut
        self._places: dict[int, int] = {}
        self._corners = array("d")
        for record in source.records(source.first_of(BOXES, POINTED), "boxes"):
            with source.skipping(record):
                x, y, width, height = (record.number(name) for name in ("x", "y", "width", "height"))
                self._places[record.whole("box_id")] = len(self._corners)
                self._corners.extend((x, y, x + width, y + height))

    def choices(self, pair: Record, image: str) -> Choices:
        """The options of a question as shares of its picture.

        Raises:
            RecordError: there is no such box.
            DroppedError: nothing is left of a box inside of the picture, in training.
        """
        numbers = [pair.whole("answer"), *map(int, pair.numbers("multiple_choices"))]
        for number in numbers:
            if number not in self._places:
                pair.refuse(f"there is no box {number}")
        boxes = tuple(box for number in numbers if (box := self._shares(number, image)) is not None)
        if len(boxes) < len(numbers):
            raise DroppedError("an option outside of its picture", pair.place)
        return box_text(boxes[0]), boxes

    def _shares_of(self, number: int, image: str) -> Box | None:
        place = self._places[number]
        x1, y1, x2, y2 = self._corners[place : place + 4]
        size, named = self._size(image), f"{image}, box {number}"
        if self._source.split == "train":
            return self._source.box((x1, y1, x2, y2), size, named)
        return self._within((x1, y1, x2, y2), size, named)

    def _within(self, corners: Box, size: tuple[int, int], place: str) -> Box:
        """The same where questions are scored: all of them are, so a box outside becomes a line or a point at the
        border."""
        shares = [corner / side for corner, side in zip(corners, (*size, *size), strict=True)]
        x1, y1, x2, y2 = (min(max(share, 0.0), 1.0) for share in shares)
        if [x1, y1, x2, y2] != shares:
            self._source.tally.change("box cut at the border of its picture", place)
        return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _data_set(name: str, title: str, task: Task, read: Callable[[Source], Iterator[Sample]]) -> DataSet:
    return DataSet(
        name=name,
        title=title,
        folder=FOLDER,
        licence="its site names none; the pictures are Visual Genome's (CC BY 4.0), by their owners on Flickr",
        splits=("train", "validation", "test"),
        tasks=(task,),
        read=read,
    )


VISUAL7W_TELLING = _data_set(TELLING, "Visual7W, telling", "multiple_choice_vqa", read_telling)
VISUAL7W_POINTING = _data_set(POINTING, "Visual7W, pointing", "grounded_multiple_choice_vqa", read_pointing)
