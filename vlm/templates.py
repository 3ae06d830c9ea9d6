"""The turns of each task: what is said around a picture, in the words of the paper (reference-facts, section 4).

A sample becomes a list of turns, the instruction first, then queries and answers in pairs. Which turns carry loss is
said by the turn itself, so that no question without an answer can shift it.

Samples with `as_published` are done as in the public implementation where that is known to be wrong (reference-facts,
8): which turns carry loss goes by their number in VQA (D4), the first of several right options gives the letter (D13),
what is too long is cut wherever that falls (D14, in `vlm.prompt`), and two benchmarks ask in other words than training
does (D15). Where the picture stands is a matter of the order alone, as published too (D17).
"""

import itertools
import re
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from vlm.sample import Box, Question, Sample, SampleError, Task
from vlm.vocabulary import END

INSTRUCTIONS: dict[Task, str] = {
    "captioning": "Provide a one-sentence caption for the provided image.",
    "grounded_captioning": "Provide a one-sentence caption for the image and mention each entity.",
    "dense_captioning": "Provide a short description of the region:",
    "visual_grounding": "Locate the region that is described by:",
    "vqa": "Answer the question using a single word or phrase.",
    "multiple_choice_vqa": "Answer with the option's letter from the given choices directly.",
    "grounded_multiple_choice_vqa": "Answer with the option's letter from the given choices directly.",
    "image_text_match": "Determine if the image matches the description:",
}
"""Chat has none: its first turn is what the person says."""

LETTERS = string.ascii_uppercase

UNTOUCHED = ("docvqa", "infographics_vqa", "ai2d")
"""Sources whose questions and answers keep their letters as they are. They get their full stop all the same."""

IMAGE_MARK = "<image>"
"""Where data sets of conversations say that the picture goes. The order says it here."""

Role = Literal["instruction", "query", "answer"]

Case = Literal["kept", "lowered"]
"""What becomes of the letters after the first one. lowered: the paper's, which takes names and acronyms with it."""


@dataclass(frozen=True)
class Turn:
    """A piece of text that is tokenised by itself. Answers carry the loss."""

    text: str
    role: Role

    @property
    def is_target(self) -> bool:
        return self.role == "answer"


def turns_of(sample: Sample, case: Case = "kept") -> list[Turn]:
    """All turns of a sample, less queries that no answer follows. In dense captioning and chat one end token follows
    the last answer, elsewhere each.

    Raises:
        SampleError: its answers are not given out, or one of them cannot be said.
    """
    if not sample.answered:
        raise SampleError(f"sample {sample.id} ({sample.task}) can only be asked: its answers are not given out.")
    turns = list(_TURNS[sample.task](sample, _case_of(sample, case)))
    if sample.as_published:
        return _by_number(turns) if sample.task == "vqa" else turns
    neighbours = itertools.pairwise((*turns, None))
    return [turn for turn, behind in neighbours if turn and (turn.role != "query" or (behind and behind.is_target))]


def opening_of(sample: Sample, case: Case = "kept") -> list[Turn]:
    """What comes before the first answer, which need not be known: the instruction, and the first query if any.

    This is what benchmarks ask. It is how `turns_of` begins, but for two of them as published (D15).
    """
    turns = _TURNS[sample.task]
    if sample.as_published:
        turns = _ASKED_AS_PUBLISHED.get(sample.source, turns)
    count = 1 if sample.task in _ANSWERED_AT_ONCE else 2
    return list(itertools.islice(turns(sample, _case_of(sample, case)), count))


def is_dialogue(task: Task) -> bool:
    """Whether answers follow each other without an end token between them."""
    return task in ("dense_captioning", "chat")


def written(text: str, case: Case, stop: bool = True, capital: bool = True) -> str:
    """A text as it is put before the model: a capital first, a full stop last unless another mark stands there."""
    text = text.strip()
    if capital:
        text = text[:1].upper() + (text[1:] if case == "kept" else text[1:].lower())
    return text + "." if stop and not text.endswith((".", "?", "!")) else text


def box_text(box: Box) -> str:
    """`[0.12,0.34,0.56,0.78]`: shares of width and height, two decimals each."""
    return "[" + ",".join(f"{share:.2f}" for share in box) + "]"


def letter_of(question: Question, first_match: bool = False) -> str:
    """The letter of the right option, which is trained on.

    Args:
        first_match: takes the first of several right options, as published (D13).

    Raises:
        SampleError: the answer is not among the options, or there more than once; or there are more than letters.
    """
    letters = letters_of(question)
    if len(letters) > 1 and not first_match:
        raise SampleError(
            f"{question.question!r}: {question.answer!r} is {len(letters)} of the options {_as_texts(question)}, and "
            "one letter alone can be trained on: leave the others out."
        )
    return letters[0]


def letters_of(question: Question) -> tuple[str, ...]:
    """The letters of all options that are the answer: in a test, where an option may stand twice, each is right.

    Raises:
        SampleError: the answer is not among the options, or there are more than letters.
    """
    options = _as_texts(question)
    right = tuple(
        letter for letter, option in zip(_all_letters(question), options, strict=True) if option == question.answer
    )
    if not right:
        raise SampleError(f"{question.question!r}: {question.answer!r} is not one of the options {options}.")
    return right


def _as_texts(question: Question) -> list[str]:
    """The options, as answers name them."""
    return [option if isinstance(option, str) else box_text(option) for option in question.options]


def _all_letters(question: Question) -> str:
    """One for each option; raises SampleError where there are more than letters."""
    count = len(question.options)
    if count > len(LETTERS):
        raise SampleError(f"{question.question!r} has {count} options, and there are {len(LETTERS)} letters.")
    return LETTERS[:count]


def _case_of(sample: Sample, case: Case) -> Case:
    """D7: all letters after the first one are small."""
    return "lowered" if sample.as_published else case


def _by_number(turns: Sequence[Turn]) -> list[Turn]:
    """D4: every second turn carries the loss. Behind a question without an answer that is the questions."""
    roles: Sequence[Role] = ("query", "answer")
    return [turn if not n else replace(turn, role=roles[(n - 1) % 2]) for n, turn in enumerate(turns)]


def _instruction(sample: Sample, end: str = "\n") -> Turn:
    context = f"\n{sample.context}" if sample.context else ""
    own = sample.prompt.replace(IMAGE_MARK, "").strip()
    return Turn((own or INSTRUCTIONS[sample.task]) + context + end, "instruction")


# From here on turn by turn: whoever stops before an answer never needs it.


def _captioning(sample: Sample, case: Case) -> Iterator[Turn]:
    yield _instruction(sample)
    yield Turn(written(sample.caption, case) + END, "answer")


def _grounded_captioning(sample: Sample, case: Case) -> Iterator[Turn]:
    yield _instruction(sample)
    caption = written(sample.caption, case)
    for number, box in enumerate(sample.boxes):
        caption = caption.replace(f"<coords_{number}>", box_text(box))
    if left := re.search(r"<coords_\d+>", caption):
        raise SampleError(f"sample {sample.id}: {left[0]} in its caption has no box, of {len(sample.boxes)}.")
    yield Turn(caption + END, "answer")


def _dense_captioning(sample: Sample, case: Case) -> Iterator[Turn]:
    yield _instruction(sample)
    for region in sample.regions:
        yield Turn(box_text(region.box) + ".\n", "query")
        yield Turn(written(region.phrase, case) + "\n", "answer")


def _visual_grounding(sample: Sample, case: Case) -> Iterator[Turn]:
    yield _instruction(sample, "")
    for region in sample.regions:
        yield Turn(f"\n{written(region.phrase, case)}\n", "query")
        yield Turn(f"{box_text(region.box)}.{END}", "answer")


def _vqa(sample: Sample, case: Case) -> Iterator[Turn]:
    capital = sample.source not in UNTOUCHED
    yield _instruction(sample, "")
    for asked in sample.questions:
        yield Turn(f"\nQuestion: {written(asked.question, case, capital=capital)}\nAnswer: ", "query")
        if asked.answer.strip():
            yield Turn(written(asked.answer, case, capital=capital) + END, "answer")


def _multiple_choice(sample: Sample, case: Case, end: str = "") -> Iterator[Turn]:
    return _choices(sample, case, end, capital=sample.source not in UNTOUCHED)


def _choices(sample: Sample, case: Case, end: str, capital: bool) -> Iterator[Turn]:
    """`end` is that of the instruction, and the questions have a capital or none."""
    yield _instruction(sample, end)
    for asked in sample.questions:
        question, options = written(asked.question, case, capital=capital), _listed(asked, case)
        yield Turn(f"\nQuestion: {question}\n{options}\nAnswer: ", "query")
        yield Turn(f"{letter_of(asked, first_match=sample.as_published)}.{END}", "answer")


def _listed(question: Question, case: Case) -> str:
    """The options, a line each."""
    shown = (written(o, case, stop=False) if isinstance(o, str) else box_text(o) + "." for o in question.options)
    return "\n".join(f"{letter}: {option}" for letter, option in zip(_all_letters(question), shown, strict=True))


def _image_text_match(sample: Sample, case: Case) -> Iterator[Turn]:
    yield _instruction(sample)
    yield Turn(written(sample.caption, case) + "\n", "query")
    yield Turn(f"{sample.matches}.{END}", "answer")


def _chat(sample: Sample, case: Case) -> Iterator[Turn]:
    roles: Sequence[Role] = ("query", "answer")
    for number, reply in enumerate(sample.replies):
        role = roles[number % 2] if number else "instruction"
        if not sample.as_published:
            reply = reply.replace(IMAGE_MARK, "")
        said = written(reply, case)
        if sample.as_published and not number:  # too late: a capital and a full stop have been put beside the mark
            said = said.replace(f"\n{IMAGE_MARK}", "").replace(f"{IMAGE_MARK}\n", "")
        yield Turn(said + "\n", role)


def _pope_as_published(sample: Sample, case: Case) -> Iterator[Turn]:
    """The question as it stands, letters included, without the words around it that questions are trained with."""
    yield _instruction(sample)
    for asked in sample.questions:
        yield Turn(f"{asked.question}\n", "query")


_Turns = Callable[[Sample, Case], Iterator[Turn]]

_TURNS: dict[Task, _Turns] = {
    "captioning": _captioning,
    "grounded_captioning": _grounded_captioning,
    "dense_captioning": _dense_captioning,
    "visual_grounding": _visual_grounding,
    "vqa": _vqa,
    "multiple_choice_vqa": _multiple_choice,
    "grounded_multiple_choice_vqa": partial(_multiple_choice, end="\n"),
    "image_text_match": _image_text_match,
    "chat": _chat,
}

_ANSWERED_AT_ONCE = ("captioning", "grounded_captioning", "chat")
"""Tasks whose instruction is all that is asked."""

_ASKED_AS_PUBLISHED: dict[str, _Turns] = {
    **dict.fromkeys(("pope_adversarial", "pope_popular", "pope_random"), _pope_as_published),
    "visual7w pointing": partial(_choices, end="", capital=False),
}
"""By source: what the public evaluators ask in words of their own (D15; reference-facts, 7.2)."""
