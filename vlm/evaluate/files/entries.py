"""Files of predictions of others, told from each other by what they hold:

    [{"image_id": 9, "caption": "A bus."}]              COCO's, of all captions
    [{"question_id": 1, "answer": "red"}]               VQA's
    [{"questionId": "1", "prediction": "red"}]          GQA's
    ["True", "False"]                                   without numbers: in the order of the references
    {"predictions": [], "groundtruths": []}             of the public implementation, see `published`

Lists may be JSON lines as well. Files of `vlm evaluate` are read by `vlm.evaluate.predictions`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlm.data.scanner import is_text
from vlm.evaluate.benchmark import Benchmark
from vlm.evaluate.files.contents import beginning_of, read_values
from vlm.evaluate.files.coordinates import as_box_text
from vlm.evaluate.files.truth import FileError, Truth

NUMBERS = {"captioning": ("image_id", "id")}
ANY_NUMBER = ("question_id", "questionId", "id", "number")
TEXTS = {"captioning": ("caption",)}
ANY_TEXT = ("answer", "prediction", "text")
"""Fields of an entry, by task; the first one that the first entry has is that of all."""
OURS = {"benchmark", "prediction", "answers", "score"}
"""Fields by which a line of `vlm evaluate` is known."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a file of predictions holds."""

    texts: Mapping[str, str]
    """What was said, by the number of the question; by its place in the file, from 1 on, where there are no numbers."""
    has_numbers: bool = True
    truths: Mapping[str, Truth] | None = None
    """What is right, where the file says so itself."""
    stated: Mapping[str, float] = field(default_factory=dict)
    """Scores that the file states."""


def is_ours(path: Path) -> bool:
    """Whether it is a file that `vlm evaluate` or `vlm score` wrote: its first line tells."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            first = json.loads(file.readline())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and first.keys() >= OURS


def read_entries(benchmark: Benchmark, entries: Sequence[Any], path: Path) -> Results:
    """The predictions of a list, with numbers or without.

    Raises:
        FileError: it is empty or not of this benchmark, an entry is no prediction, or a question is answered twice.
    """
    if not entries:
        raise FileError(f"{path} is empty: name a file that holds predictions.")
    if is_text(entries[0]):
        return Results(texts=_by_place(entries, path), has_numbers=False)
    number_name, text_name = _names(benchmark, entries[0], path)
    boxes, texts = benchmark.task == "visual_grounding", dict[str, str]()
    for place, entry in enumerate(entries, start=1):
        said = entry.get(text_name) if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or text_name not in entry:
            raise FileError(f"{path}, entry {place:,} should have {text_name!r} and is {beginning_of(entry)}.")
        if boxes:
            said = as_box_text(said, f"{path}, entry {place:,}: {text_name!r}")
        if not is_text(said):
            raise FileError(f"{path}, entry {place:,}: {text_name!r} should be text and is {beginning_of(said)}.")
        number = number_of_entry(entry.get(number_name), number_name, place, path) if number_name else str(place)
        if number in texts:
            raise FileError(f"{path} answers {number} twice: keep one of the two.")
        texts[number] = said
    return Results(texts=texts, has_numbers=bool(number_name))


def number_of_entry(value: Any, name: str, place: int, path: Path) -> str:
    """A number or a name as text.

    Raises:
        FileError: it is neither.
    """
    if isinstance(value, bool) or not (isinstance(value, int) or is_text(value)):
        raise FileError(f"{path}, entry {place:,}: {name!r} should be a number or text and is {beginning_of(value)}.")
    return str(value)


def entries_of(path: Path) -> Any:
    """The list, or the object of the public implementation, that a file holds. One entry alone is a list, too: it is a
    file of JSON lines with a line."""
    value = read_values(path)
    if isinstance(value, dict) and not value.keys() & {"predictions", "outputs", "metrics"}:
        return [value]
    if not isinstance(value, dict | list):
        raise FileError(f"{path} holds no predictions, but {beginning_of(value)}: name a file that does.")
    return value


def _by_place(entries: Sequence[Any], path: Path) -> dict[str, str]:
    for place, entry in enumerate(entries, start=1):
        if not is_text(entry):
            raise FileError(f"{path}, entry {place:,} should be text and is {beginning_of(entry)}.")
    return {str(place): entry for place, entry in enumerate(entries, start=1)}


def _names(benchmark: Benchmark, first: Any, path: Path) -> tuple[str, str]:
    """The fields of an entry that hold its number, if any, and its text."""
    numbers, texts = NUMBERS.get(benchmark.task, ANY_NUMBER), TEXTS.get(benchmark.task, ANY_TEXT)
    text = next((name for name in texts if isinstance(first, dict) and name in first), "")
    if not text:
        has = f"{', '.join(sorted(first))}" if isinstance(first, dict) else beginning_of(first)
        raise FileError(
            f"{path} holds no predictions of {benchmark.name}: its entries should have {_or(texts)}, with "
            f"{_or(numbers)}, and the first has {has or 'nothing'}."
        )
    return next((name for name in numbers if name in first), ""), text


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)
