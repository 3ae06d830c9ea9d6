"""The one function that turns a sample into token ids, labels and image places, for training and for every benchmark.

    image block    ### (patch ... patch &&) ... (patch ... patch) ###    1 + rows * (columns + 1) tokens
    task-agnostic  IMAGE, instruction, query, answer, query, answer ...
    task-aware     instruction, IMAGE, query, answer, query, answer ...
    query-first    instruction, query, IMAGE, answer                     samples with one answer alone

Every turn is tokenised by itself and the ids are joined (reference-facts, 2.4): an answer then begins as it is
generated, behind a query that ends in a space. The last two orders are section 5.3.3 of the paper, and what its
discussion suggests.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from training.config import require_choice
from vlm.sample import Sample, SampleError
from vlm.templates import Case, is_dialogue, turns_of
from vlm.vocabulary import Vocabulary

Order = Literal["task-agnostic", "task-aware", "query-first"]
ORDERS: tuple[Order, ...] = get_args(Order)

PATCH = -200
"""Stands in the ids where a patch of the picture goes."""

UNSCORED = -100
"""In labels: no loss here."""


@dataclass(frozen=True)
class Piece:
    """Where a turn, or the image block, stands in the ids: from `start` to before `end`."""

    name: str
    """image, instruction, query or answer."""
    start: int
    end: int


@dataclass(frozen=True)
class Layout:
    """A sample as the model reads it. ids and labels are of one length; labels repeat the ids of answers, in place."""

    sample: Sample
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    pieces: tuple[Piece, ...]
    answers_cut: int = 0
    """Answers that were left out so that the others fit."""

    @property
    def targets(self) -> int:
        """Tokens that carry loss."""
        return sum(label != UNSCORED for label in self.labels)


def lay_out(
    sample: Sample,
    order: Order,
    vocabulary: Vocabulary,
    grid: tuple[int, int],
    *,
    case: Case = "kept",
    max_length: int | None = None,
    with_answers: bool = True,
) -> Layout:
    """A sample's ids and labels.

    Args:
        grid: rows and columns of patches.
        case: of the text, see `vlm.templates`.
        max_length: most tokens. Pairs of query and answer that do not fit are left out from the last one on: nothing
            is cut within an answer, which would lose its end.
        with_answers: False ends where the first answer begins, for generation.

    Raises:
        SampleError: not even the first answer fits, or the order is query-first and there are several.
        ConfigError: there is no such order.
    """
    require_choice("order", order, ORDERS)
    turns = turns_of(sample, case)
    answers = [number for number, turn in enumerate(turns) if turn.is_target]
    if not answers:
        raise SampleError(f"sample {sample.id} ({sample.task}) has nothing to answer.")
    if order == "query-first" and len(answers) > 1:
        raise SampleError(f"sample {sample.id} has {len(answers)} answers, and query-first takes one: see `singles`.")
    image = image_block(vocabulary, grid)
    encoded = [vocabulary.encode(turn.text) for turn in turns]
    end = (vocabulary.end,) if is_dialogue(sample.task) else ()

    kept = len(answers)
    if max_length is not None:
        lengths = [len(image) + sum(map(len, encoded[: last + 1])) + len(end) for last in answers]
        kept = sum(length <= max_length for length in lengths)
        if not kept:
            raise SampleError(f"sample {sample.id} needs {lengths[0]:,} tokens, and max_length is {max_length:,}.")
    last = answers[kept - 1]
    encoded[last] += end
    before_image = {"task-agnostic": 0, "task-aware": 1, "query-first": answers[0]}[order]
    until = last + 1 if with_answers else answers[0]
    pieces: list[tuple[str, tuple[int, ...]]] = [
        (turn.role, ids) for turn, ids in zip(turns[:until], encoded[:until], strict=True)
    ]
    pieces.insert(before_image, ("image", image))
    return _joined(sample, pieces, len(answers) - kept)


def image_block(vocabulary: Vocabulary, grid: tuple[int, int]) -> tuple[int, ...]:
    """1 + rows * (columns + 1) ids: patches row by row, a separator between rows, delimiters around all."""
    rows, columns = grid
    row = (PATCH,) * columns
    between = (*row, vocabulary.row_separator)
    return (vocabulary.image_delimiter, *(between * (rows - 1)), *row, vocabulary.image_delimiter)


def singles(sample: Sample) -> Iterator[Sample]:
    """The sample as samples with one question or region each, named by their number."""
    parts = sample.questions or sample.regions
    if len(parts) <= 1:
        yield sample
        return
    name = "questions" if sample.questions else "regions"
    for number, part in enumerate(parts):
        changes: dict[str, object] = {"id": f"{sample.id}.{number}", name: (part,)}
        yield dataclasses.replace(sample, **changes)  # type: ignore[arg-type]


def _joined(sample: Sample, pieces: list[tuple[str, tuple[int, ...]]], cut: int) -> Layout:
    ids: list[int] = []
    labels: list[int] = []
    places: list[Piece] = []
    for name, tokens in pieces:
        places.append(Piece(name, len(ids), len(ids) + len(tokens)))
        ids.extend(tokens)
        labels.extend(tokens if name == "answer" else [UNSCORED] * len(tokens))
    return Layout(sample, tuple(ids), tuple(labels), tuple(places), cut)
