"""Samples packed into sequences, each kept to itself, and what a model is called with.

    ids, labels, documents, positions    rows x length, int64
    starts                               rows x length, bool

Several samples stand in one row, one behind the other; `documents` says which of the samples a token belongs to (-1 is
padding) and `starts` where one begins. `starts` goes to `backbones.scan.packed`: a Transformer then sees its own sample
alone, a Mamba's state and convolution begin anew. Positions count from 0 in each sample.
"""

import dataclasses
import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vlm.prompt import PATCH, UNSCORED, Layout

PADDING = 0
"""The id behind the last sample of a row."""

NO_DOCUMENT = -1


@dataclass(frozen=True)
class Batch:
    """See the module. `images` lists, in the order in which their patches stand in `ids`, the samples they are of."""

    ids: Tensor
    labels: Tensor
    documents: Tensor
    positions: Tensor
    starts: Tensor
    samples: int
    images: tuple[int, ...]

    def to(self, device: torch.device) -> "Batch":
        """The same with its tensors on a device."""
        names = ("ids", "labels", "documents", "positions", "starts")
        return dataclasses.replace(self, **{name: getattr(self, name).to(device) for name in names})

    @property
    def useful(self) -> float:
        """Share of the tokens that are not padding."""
        return float((self.documents != NO_DOCUMENT).float().mean())


def batch_of(layouts: Sequence[Layout], pack_length: int) -> Batch:
    """Packs samples into rows of at most `pack_length` tokens (a longer sample has a row for itself)."""
    rows = pack([len(layout.ids) for layout in layouts], pack_length)
    length = max(sum(len(layouts[n].ids) for n in row) for row in rows)
    ids = torch.full((len(rows), length), PADDING)
    labels = torch.full_like(ids, UNSCORED)
    documents = torch.full_like(ids, NO_DOCUMENT)
    positions = torch.zeros_like(ids)
    starts = torch.zeros(ids.shape, dtype=torch.bool)
    for r, row in enumerate(rows):
        end = 0
        for n in row:
            start, end = end, end + len(layouts[n].ids)
            ids[r, start:end] = torch.tensor(layouts[n].ids)
            labels[r, start:end] = torch.tensor(layouts[n].labels)
            documents[r, start:end] = n
            positions[r, start:end] = torch.arange(end - start)
            starts[r, start] = True
        if end < length:
            starts[r, end] = True  # the padding is a document of its own
    images = tuple(n for row in rows for n in row if PATCH in layouts[n].ids)
    return Batch(ids, labels, documents, positions, starts, len(layouts), images)


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """The numbers of the samples in each row: as few rows as first-fit-decreasing finds, filled as evenly as can be.

    A batch is as long as its longest row, so that even rows are what saves padding. Within a row samples keep their
    order. The same lengths give the same rows.
    """
    longest_first = sorted(range(len(lengths)), key=lambda n: (-lengths[n], n))
    first_fit: list[list[int]] = []
    free: list[int] = []
    for n in longest_first:
        place = next((r for r, room in enumerate(free) if lengths[n] <= room), None)
        if place is None:
            first_fit.append([])
            free.append(max(capacity, lengths[n]))
            place = len(free) - 1
        first_fit[place].append(n)
        free[place] -= lengths[n]
    even = _levelled(lengths, _evenly(lengths, longest_first, len(first_fit)))
    fits = all(sum(lengths[n] for n in row) <= capacity or len(row) == 1 for row in even)
    return [sorted(row) for row in (even if fits else _levelled(lengths, first_fit))]


def _evenly(lengths: Sequence[int], longest_first: Sequence[int], rows: int) -> list[list[int]]:
    """Each sample, from the longest on, to the row that is shortest by then."""
    filled: list[list[int]] = [[] for _ in range(rows)]
    shortest = [(0, r) for r in range(rows)]
    for n in longest_first:
        length, r = heapq.heappop(shortest)
        filled[r].append(n)
        heapq.heappush(shortest, (length + lengths[n], r))
    return [row for row in filled if row]


def _levelled(lengths: Sequence[int], rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Rows between the longest and the shortest of which samples have changed places, or one has moved, until that
    makes the longest no shorter."""
    levelled = [list(row) for row in rows]
    totals = [sum(lengths[n] for n in row) for row in levelled]
    while True:
        longest, shortest = totals.index(max(totals)), totals.index(min(totals))
        gap = totals[longest] - totals[shortest]
        moves = (
            (lengths[given] - sum(lengths[n] for n in taken), given, taken)
            for given in levelled[longest]
            for taken in [(), *((n,) for n in levelled[shortest])]
        )
        moved, given, taken = min(moves, key=lambda move: abs(2 * move[0] - gap))
        if not 0 < moved < gap:
            return levelled
        levelled[longest] = [n for n in levelled[longest] if n != given] + [*taken]
        levelled[shortest] = [n for n in levelled[shortest] if n not in taken] + [given]
        totals[longest] -= moved
        totals[shortest] += moved
