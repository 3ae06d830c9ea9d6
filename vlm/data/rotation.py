"""Multiple choice with the right option at every letter, so that a letter by itself says nothing (paper, appendix A.1).

In training a question becomes as many as it has options. The paper rotates them clockwise: each moves on by one letter,
and the last one to the first. The public implementation swaps the right one with another (`swapped`) or moves it
between the others (`inserted`), and does so in validation too (reference-facts, 8 D9 and D16).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from vlm.data.errors import DroppedError
from vlm.data.records import Record
from vlm.data.source import Source
from vlm.sample import Box, Question
from vlm.templates import LETTERS, box_text

Variants = Callable[[Question], list[Question]]


def require_one_right(source: Source, record: Record, question: Question) -> Question:
    """The question, where exactly one of its options is right. Other options may repeat.

    Raises:
        RecordError: there are too few options or more than letters, or the answer is not among them.
        DroppedError: the answer is among them more than once, as they are shown: boxes with two decimals, and text in
            whatever case. Not in test, whose scores are over all questions; and not as published, where the first one
            counts as right (D13).
    """
    options = [as_text(option) for option in question.options]
    if not 2 <= len(options) <= len(LETTERS):
        record.refuse(f"it has {len(options)} options, and should have 2 to {len(LETTERS)}")
    if question.answer not in options:
        record.refuse(f"the answer {question.answer!r} is not among the options")
    is_kept = source.split == "test" or source.how.as_published
    if not is_kept and [option.casefold() for option in options].count(question.answer.casefold()) > 1:
        raise DroppedError("answer among the options more than once", record.place)
    return question


def variants(source: Source, question: Question, published: Variants) -> list[Question]:
    """What a question becomes in the split that is read: one for each letter in training, else itself.

    Args:
        published: what the public implementation makes of it, in training and in validation.
    """
    if source.split == "test":
        return [question]
    if source.how.as_published:
        return published(question)
    return rotated(question) if source.split == "train" else [question]


def rotated(question: Question) -> list[Question]:
    """The options as they are, then each moved on by one letter, and so on."""
    count = len(question.options)
    return [arranged(question, [(place - turn) % count for place in range(count)]) for turn in range(count)]


def swapped(question: Question) -> list[Question]:
    """The right option and the one at each letter in turn, exchanged."""
    right, count = _right(question), len(question.options)
    orders = [list(range(count)) for _ in range(count)]
    for letter, order in enumerate(orders):
        order[right], order[letter] = order[letter], order[right]
    return [arranged(question, order) for order in orders]


def inserted(question: Question) -> list[Question]:
    """The right option at each letter in turn, the others in their order around it."""
    right, count = _right(question), len(question.options)
    others = [place for place in range(count) if place != right]
    return [arranged(question, [*others[:letter], right, *others[letter:]]) for letter in range(count)]


def settled(question: Question) -> Question:
    """The options in an order that depends on the question's number alone: the same for everybody, whatever the seed.

    For options that come without an order, such as a right answer and a list of wrong ones.
    """

    def draw(place: int) -> bytes:
        return hashlib.blake2b(f"{question.id}|{place}".encode(), digest_size=8).digest()

    return arranged(question, sorted(range(len(question.options)), key=draw))


def arranged(question: Question, order: Sequence[int]) -> Question:
    """The options in another order, by their places."""
    options: Any = tuple(question.options[place] for place in order)
    return replace(question, options=options)


def as_text(option: str | Box) -> str:
    """An option as answers name it."""
    return option if isinstance(option, str) else box_text(option)


def _right(question: Question) -> int:
    return [as_text(option) for option in question.options].index(question.answer)
