"""Training samples by number: example k of a run is a function of (data, seed, k) alone.

Example k is the k-th sample of one random order of all samples, and of another order in each further pass. Every
process makes its own part, and going on needs nothing but the number of steps. Pictures are opened on threads, one step
ahead. What is on disk is ordered group by group (see `vlm.samples`).
"""

import functools
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from PIL.Image import Image
from torch import Tensor

from vlm.prompt import Layout, Order, lay_out
from vlm.sample import Sample, SampleError
from vlm.samples import Numbers, Samples
from vlm.templates import Case
from vlm.vocabulary import Vocabulary

THREADS = 8
REMEMBERED = 2**13
"""Layouts kept between counting a step and taking it."""

SURVEYED = 20_000
"""Samples that are laid out to say what there is: of more, the first of the random order speak for the others."""


@dataclass(frozen=True)
class Survey:
    """What there is to train on."""

    read: int
    """Samples that were looked at."""
    cut: int
    """Of these, those that lose answers to `max_length`."""
    left_out: int
    """Samples that cannot be used: too long, or without an answer."""
    tokens: int
    """Of what was read."""
    first_error: str
    """Why the first of those is left out."""


class Stream:
    """The samples of a split in training order, laid out.

    Args:
        samples: what there is.
        to_pixels: from an open picture to 3 x height x width, as the encoder takes it.
    """

    def __init__(
        self,
        samples: Samples,
        vocabulary: Vocabulary,
        grid: tuple[int, int],
        to_pixels: Callable[[Image], Tensor],
        *,
        order: Order,
        case: Case = "kept",
        max_length: int | None = None,
        seed: int = 0,
    ) -> None:
        self.samples = samples.one_by_one() if order == "query-first" else samples
        self.vocabulary = vocabulary
        self.grid = grid
        self.to_pixels = to_pixels
        self.order: Order = order
        self.case: Case = case
        self.max_length = max_length
        self.seed = seed
        self.layout = functools.lru_cache(REMEMBERED)(self._layout)
        self._order = functools.lru_cache(2)(lambda turn: random_order(self.samples.ends, seed, turn))
        self._pool = ThreadPoolExecutor(THREADS)
        self._coming: dict[int, Future[Tensor]] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def sample(self, example: int) -> Sample:
        """The sample of example number `example`, from 0 to without end."""
        turn, place = divmod(example, len(self.samples))
        return self.samples[int(self._order(turn)[place])]

    def pixels(self, examples: Sequence[int], ahead: Sequence[int] = ()) -> Tensor:
        """examples x 3 x height x width, float32. Those `ahead` are opened meanwhile."""
        waiting = [self._coming.pop(n) if n in self._coming else self._open(n) for n in examples]
        self._coming |= {example: self._open(example) for example in ahead}
        return torch.stack([future.result() for future in waiting])

    def first_fitting(self) -> int:
        """The first example that can be used.

        Raises:
            SampleError: none can.
        """
        first_error = ""
        for example in range(len(self.samples)):
            try:
                self._lay_out(self.sample(example))
                return example
            except SampleError as error:
                first_error = first_error or str(error)
        raise SampleError(f"none of the {len(self.samples):,} samples can be used; the first: {first_error}")

    def digest(self) -> str:
        """Twelve hex digits of the first pass, or its first `SURVEYED` samples: where they are equal, the same samples
        were read in the same order."""
        ids = (self.sample(example).id for example in range(min(len(self.samples), SURVEYED)))
        return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]

    def survey(self) -> Survey:
        """Reads samples once, without their pictures: all of them, or as many as speak for all."""
        read = min(len(self.samples), SURVEYED)
        left_out = cut = tokens = 0
        first_error = ""
        for example in range(read):
            try:
                layout = self._lay_out(self.sample(example))
            except SampleError as error:
                first_error = first_error or str(error)
                left_out += 1
                continue
            cut += layout.answers_cut > 0
            tokens += len(layout.ids)
        return Survey(read, cut, left_out, tokens, first_error)

    def _layout(self, example: int) -> Layout | None:
        """Of an example; None where it does not fit."""
        try:
            return self._lay_out(self.sample(example))
        except SampleError:
            return None

    def _lay_out(self, sample: Sample) -> Layout:
        return lay_out(sample, self.order, self.vocabulary, self.grid, case=self.case, max_length=self.max_length)

    def _open(self, example: int) -> "Future[Tensor]":
        image = self.sample(example).image
        return self._pool.submit(lambda: self.to_pixels(self.samples.picture(image)))


def random_order(ends: Numbers, seed: int, turn: int) -> Tensor:
    """The order of a pass through samples: groups in a random order, and those of each group in a random order.

    Args:
        ends: where each group ends.
    """
    chance = torch.Generator().manual_seed(seed * 1_000_003 + turn)
    starts = [0, *ends[:-1].tolist()]
    groups = torch.randperm(len(starts), generator=chance).tolist() if len(starts) > 1 else [0]
    parts = [starts[g] + torch.randperm(int(ends[g]) - starts[g], generator=chance) for g in groups]
    return torch.cat(parts)
