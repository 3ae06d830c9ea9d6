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
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from training.config import require_choice
from vlm.sample import Sample, SampleError
from vlm.templates import Case, is_dialogue, opening_of, turns_of
from vlm.vocabulary import Vocabulary

Order = Literal["task-agnostic", "task-aware", "query-first"]
ORDERS: tuple[Order, ...] = get_args(Order)

PATCH = -200
"""Stands in the ids where a patch of the picture goes."""

UNSCORED = -100
"""In labels: no loss here."""


Part = tuple[str, tuple[int, ...]]
"""A turn, or the image block: its name and its ids."""


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
    """Answers that were left out so that the others fit; as published, those that are not whole."""

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
            is cut within an answer, which would lose its end, unless the sample is laid out as published.
        with_answers: False ends where the first answer begins, for generation. It need not be known.

    Raises:
        SampleError: not even the first answer fits (as published: the picture), its answers are not given out, or the
            order is query-first and there are several.
        ConfigError: there is no such order.
    """
    require_choice("order", order, ORDERS)
    turns = turns_of(sample, case) if with_answers else opening_of(sample, case)
    answers = [number for number, turn in enumerate(turns) if turn.is_target]
    if order == "query-first" and len(answers) > 1:
        raise SampleError(f"sample {sample.id} has {len(answers)} answers, and query-first takes one: see `singles`.")
    image: Part = ("image", image_block(vocabulary, grid))
    parts: list[Part] = [(turn.role, vocabulary.encode(turn.text)) for turn in turns]
    before_image = {"task-agnostic": 0, "task-aware": 1, "query-first": answers[0] if answers else len(parts)}[order]
    if with_answers:
        end = (vocabulary.end,) if is_dialogue(sample.task) else ()
        if not sample.as_published:
            parts = _fitting(sample, parts, None if max_length is None else max_length - len(image[1]) - len(end))
        name, ids = parts[-1]
        parts[-1] = (name, ids + end)
    layout = _joined(sample, [*parts[:before_image], image, *parts[before_image:]], len(answers))
    if max_length is None or len(layout.ids) <= max_length:
        return layout
    if with_answers and sample.as_published:
        return _cut_off(layout, max_length)
    raise SampleError(f"sample {sample.id} needs {len(layout.ids):,} tokens, and max_length is {max_length:,}.")


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


def _fitting(sample: Sample, parts: list[Part], room: int | None) -> list[Part]:
    """Up to the last answer that there is room for, and to the first one in any case."""
    until = [number for number, (role, _) in enumerate(parts, start=1) if role == "answer"]
    if not until:
        raise SampleError(f"sample {sample.id} ({sample.task}) has nothing to answer.")
    lengths = list(itertools.accumulate(len(ids) for _, ids in parts))
    return parts[: max((n for n in until if room is None or lengths[n - 1] <= room), default=until[0])]


def _joined(sample: Sample, parts: list[Part], answers: int) -> Layout:
    """One behind the other. `answers` is how many the sample has."""
    ids: list[int] = []
    labels: list[int] = []
    pieces: list[Piece] = []
    for name, tokens in parts:
        pieces.append(Piece(name, len(ids), len(ids) + len(tokens)))
        ids.extend(tokens)
        labels.extend(tokens if name == "answer" else [UNSCORED] * len(tokens))
    said = sum(name == "answer" for name, _ in parts)
    return Layout(sample, tuple(ids), tuple(labels), tuple(pieces), answers - said)


def _cut_off(layout: Layout, length: int) -> Layout:
    """D14, as published: the first tokens, wherever that ends, be it before the first answer."""
    picture = next(piece for piece in layout.pieces if piece.name == "image")
    if length < picture.end:
        name = layout.sample.id
        raise SampleError(f"sample {name} needs {picture.end:,} tokens for its picture, and max_length is {length:,}.")
    return dataclasses.replace(
        layout,
        ids=layout.ids[:length],
        labels=layout.labels[:length],
        pieces=tuple(Piece(p.name, p.start, min(p.end, length)) for p in layout.pieces if p.start < length),
        answers_cut=sum(piece.name == "answer" and piece.end > length for piece in layout.pieces),
    )
