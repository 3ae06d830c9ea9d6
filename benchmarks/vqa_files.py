"""Annotation files of VQAv2 of any size, with drawn questions: what `benchmarks.prepare` reads.

Fields, their order and the lengths of texts are those of the real files. Two thirds of the pictures are trained on, as
of the real ones. Every picture is the same file under another name.
"""

import io
import itertools
import json
import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

QUESTIONS = 5
"""Of a picture: of the real ones 5.4 on average."""

TRAINED = 2 / 3
ABOUT = {
    "info": {"description": "Drawn questions in the form of VQA v2.0.", "version": "2.0", "year": 2017},
    "task_type": "Open-Ended",
    "data_type": "mscoco",
    "license": {"url": "http://creativecommons.org/licenses/by/4.0/", "name": "CC BY 4.0"},
}
KINDS = {
    "what color is the": ("red", "blue", "white", "black and white", "green", "brown"),
    "how many": ("1", "2", "3", "4", "12", "many"),
    "is the": ("yes", "no", "maybe"),
    "what is the": ("pitcher", "skateboarding", "umbrella", "chocolate cake", "traffic light", "on the table"),
    "where is the": ("left", "in the kitchen", "on top of the desk", "outside", "behind the bus"),
}
THINGS = ("man", "woman in the red coat", "dog", "bus", "sign above the door", "people", "elephant", "tennis player")
ENDS = ("", " standing", " looking through the window", " holding", " on the left side of the picture", " wearing")


def write_vqa(root: Path, pictures: int, picture: bytes | None = None) -> None:
    """Writes files with so many pictures, each of which gives one sample, and a question in each file of test sets.

    Args:
        picture: content of every picture; without it their files are empty.
    """
    coco = root / "coco"
    trained = round(TRAINED * pictures)
    parts = {"train2014": range(1, trained + 1), "val2014": range(trained + 1, pictures + 1)}
    for folder, numbers in zip(("train2017", "val2017"), parts.values(), strict=True):
        _write_pictures(coco / folder, (f"{number:012d}.jpg" for number in numbers), picture or b"")
    _write_pictures(coco / "test2015", ["COCO_test2015_000000000001.jpg"], picture or b"")
    for year, numbers in parts.items():
        asked = (question for question, _ in _drawn(numbers))
        _write_json(coco / f"v2_OpenEnded_mscoco_{year}_questions.json", year, "questions", asked)
        answered = (annotation for _, annotation in _drawn(numbers))
        _write_json(coco / f"v2_mscoco_{year}_annotations.json", year, "annotations", answered)
    for year in ("test-dev2015", "test2015"):
        tested = [{"image_id": 1, "question": "Is the ball flying?", "question_id": 1000}]
        _write_json(coco / f"v2_OpenEnded_mscoco_{year}_questions.json", year, "questions", tested)


def draw_picture() -> bytes:
    """A JPEG as large as a usual one of COCO, 640 x 480 pixels and some 50 KB, of coarse noise."""
    noise = Image.frombytes("RGB", (80, 60), random.Random(0).randbytes(80 * 60 * 3))
    file = io.BytesIO()
    noise.resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG", quality=75)
    return file.getvalue()


def _drawn(numbers: Iterable[int]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Questions and annotations of the pictures with these numbers."""
    for image_id, number in itertools.product(numbers, range(QUESTIONS)):
        question_id = image_id * 1000 + number
        chance = random.Random(question_id)
        kind = chance.choice(list(KINDS))
        text = f"{kind.capitalize()} {chance.choice(THINGS)}{chance.choice(ENDS)}?"
        said = chance.choices(KINDS[kind], weights=range(len(KINDS[kind]), 0, -1), k=10)
        answers = [
            {"answer": answer, "answer_confidence": chance.choice(("yes", "maybe")), "answer_id": n}
            for n, answer in enumerate(said, 1)
        ]
        yield (
            {"image_id": image_id, "question": text, "question_id": question_id},
            {
                "question_type": kind,
                "multiple_choice_answer": max(said, key=said.count),
                "answers": answers,
                "image_id": image_id,
                "answer_type": "other",
                "question_id": question_id,
            },
        )


def _write_json(path: Path, year: str, name: str, records: Iterable[dict[str, Any]]) -> None:
    """An object with a list at its end, written an element at a time."""
    with open(path, "w", encoding="utf-8") as file:
        head = json.dumps({**ABOUT, "data_subtype": year})
        file.write(f'{head[:-1]}, "{name}": [')
        for number, record in enumerate(records):
            file.write(", " * (number > 0) + json.dumps(record))
        file.write("]}")


def _write_pictures(folder: Path, names: Iterable[str], content: bytes) -> None:
    """Links to one file: as many as one file may have, then to the next."""
    folder.mkdir(parents=True, exist_ok=True)
    first: Path | None = None
    for number, name in enumerate(names):
        path = folder / name
        if first is None or number % 10_000 == 0:
            first = path
            path.write_bytes(content)
        else:
            os.link(first, path)
