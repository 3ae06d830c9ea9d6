"""The turns of each task: what is said around a picture, in the words of the paper (reference-facts, section 4).

A sample becomes a list of turns, the instruction first, then queries and answers in pairs. Which turns carry loss is
said by the turn itself, so that no question without an answer can shift it (the public implementation's D4).
"""

import re
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
    """All turns of a sample. In dense captioning and chat one end token follows the last answer, elsewhere each."""
    return _TURNS[sample.task](sample, case)


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


def letter_of(question: Question) -> str:
    """The letter of the right option.

    Raises:
        SampleError: the answer is not among the options, or there more than once; or there are more than letters.
    """
    options = [option if isinstance(option, str) else box_text(option) for option in question.options]
    if len(options) > len(LETTERS):
        raise SampleError(f"{question.question!r} has {len(options)} options, and there are {len(LETTERS)} letters.")
    if options.count(question.answer) != 1:
        raise SampleError(f"{question.question!r}: {question.answer!r} is not one of the options {options}.")
    return LETTERS[options.index(question.answer)]


def _instruction(sample: Sample, end: str = "\n") -> Turn:
    context = f"\n{sample.context}" if sample.context else ""
    own = sample.prompt.replace(IMAGE_MARK, "").strip()
    return Turn((own or INSTRUCTIONS[sample.task]) + context + end, "instruction")


def _captioning(sample: Sample, case: Case) -> list[Turn]:
    return [_instruction(sample), Turn(written(sample.caption, case) + END, "answer")]


def _grounded_captioning(sample: Sample, case: Case) -> list[Turn]:
    caption = written(sample.caption, case)
    for number, box in enumerate(sample.boxes):
        caption = caption.replace(f"<coords_{number}>", box_text(box))
    if left := re.search(r"<coords_\d+>", caption):
        raise SampleError(f"sample {sample.id}: {left[0]} in its caption has no box, of {len(sample.boxes)}.")
    return [_instruction(sample), Turn(caption + END, "answer")]


def _dense_captioning(sample: Sample, case: Case) -> list[Turn]:
    pairs = ((box_text(region.box) + ".\n", written(region.phrase, case) + "\n") for region in sample.regions)
    return _with_pairs(_instruction(sample), pairs)


def _visual_grounding(sample: Sample, case: Case) -> list[Turn]:
    pairs = ((f"\n{written(r.phrase, case)}\n", f"{box_text(r.box)}.{END}") for r in sample.regions)
    return _with_pairs(_instruction(sample, ""), pairs)


def _vqa(sample: Sample, case: Case) -> list[Turn]:
    capital = sample.source not in UNTOUCHED
    pairs = (
        (
            f"\nQuestion: {written(q.question, case, capital=capital)}\nAnswer: ",
            written(q.answer, case, capital=capital) + END,
        )
        for q in sample.questions
        if q.answer.strip()
    )
    return _with_pairs(_instruction(sample, ""), pairs)


def _multiple_choice(sample: Sample, case: Case) -> list[Turn]:
    def options(question: Question) -> str:
        shown = (written(o, case, stop=False) if isinstance(o, str) else box_text(o) + "." for o in question.options)
        return "\n".join(f"{letter}: {option}" for letter, option in zip(LETTERS, shown, strict=False))

    capital = sample.source not in UNTOUCHED
    pairs = (
        (
            f"\nQuestion: {written(q.question, case, capital=capital)}\n{options(q)}\nAnswer: ",
            f"{letter_of(q)}.{END}",
        )
        for q in sample.questions
    )
    return _with_pairs(_instruction(sample, "\n" if sample.task == "grounded_multiple_choice_vqa" else ""), pairs)


def _image_text_match(sample: Sample, case: Case) -> list[Turn]:
    return _with_pairs(_instruction(sample), [(written(sample.caption, case) + "\n", f"{sample.matches}.{END}")])


def _chat(sample: Sample, case: Case) -> list[Turn]:
    said = [written(reply.replace(IMAGE_MARK, ""), case) + "\n" for reply in sample.replies]
    roles: Sequence[Role] = ("query", "answer")
    first, *others = [Turn(text, roles[n % 2]) for n, text in enumerate(said)]
    return [Turn(first.text, "instruction"), *others]


def _with_pairs(instruction: Turn, pairs: Iterable[tuple[str, str]]) -> list[Turn]:
    return [instruction, *(turn for query, answer in pairs for turn in (Turn(query, "query"), Turn(answer, "answer")))]


_TURNS: dict[Task, Callable[[Sample, Case], list[Turn]]] = {
    "captioning": _captioning,
    "grounded_captioning": _grounded_captioning,
    "dense_captioning": _dense_captioning,
    "visual_grounding": _visual_grounding,
    "vqa": _vqa,
    "multiple_choice_vqa": _multiple_choice,
    "grounded_multiple_choice_vqa": _multiple_choice,
    "image_text_match": _image_text_match,
    "chat": _chat,
}
