"""Training samples by number: example k of a run is a function of (data, seed, k) alone.

Example k is the k-th sample of one random order of all samples, and of another order in each further pass. Every
process makes its own part, and going on needs nothing but the number of steps. Pictures are opened on threads, one step
ahead.
"""

import functools
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor

from vlm.pictures import open_picture
from vlm.prompt import Layout, Order, lay_out, singles
from vlm.sample import Sample, SampleError
from vlm.templates import Case
from vlm.vocabulary import Vocabulary

THREADS = 8
REMEMBERED = 2**13
"""Layouts kept between counting a step and taking it."""


@dataclass(frozen=True)
class Survey:
    """What there is to train on."""

    fitting: int
    """Samples that are used."""
    cut: int
    """Of these, those that lose answers to `max_length`."""
    left_out: int
    """Samples that cannot be used: too long, or without an answer."""
    tokens: int
    """Of one pass."""
    first_error: str
    """Why the first of those is left out."""


class Stream:
    """The samples of a split in training order, laid out.

    Args:
        samples: what there is, in any fixed order.
        folder: that pictures are named relative to.
        to_pixels: from an open picture to 3 x height x width, as the encoder takes it.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        folder: Path,
        vocabulary: Vocabulary,
        grid: tuple[int, int],
        to_pixels: Callable[[Image], Tensor],
        *,
        order: Order,
        case: Case = "kept",
        max_length: int | None = None,
        seed: int = 0,
    ) -> None:
        one_each = order == "query-first"
        self.samples = [part for sample in samples for part in singles(sample)] if one_each else list(samples)
        self.folder = folder
        self.vocabulary = vocabulary
        self.grid = grid
        self.to_pixels = to_pixels
        self.order: Order = order
        self.case: Case = case
        self.max_length = max_length
        self.seed = seed
        self.layout = functools.lru_cache(REMEMBERED)(self._layout)
        self._pool = ThreadPoolExecutor(THREADS)
        self._coming: dict[int, Future[Tensor]] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def sample(self, example: int) -> Sample:
        """The sample of example number `example`, from 0 to without end."""
        turn, place = divmod(example, len(self.samples))
        return self.samples[int(_order(len(self.samples), self.seed, turn)[place])]

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
        """Twelve hex digits of the first pass: where they are equal, the same samples were read in the same order."""
        ids = "\n".join(self.sample(example).id for example in range(len(self.samples)))
        return hashlib.sha256(ids.encode()).hexdigest()[:12]

    def survey(self) -> Survey:
        """Reads all samples once, without their pictures."""
        fitting = cut = tokens = 0
        first_error = ""
        for sample in self.samples:
            try:
                layout = self._lay_out(sample)
            except SampleError as error:
                first_error = first_error or str(error)
                continue
            fitting += 1
            cut += layout.answers_cut > 0
            tokens += len(layout.ids)
        return Survey(fitting, cut, len(self.samples) - fitting, tokens, first_error)

    def _layout(self, example: int) -> Layout | None:
        """Of an example; None where it does not fit."""
        try:
            return self._lay_out(self.sample(example))
        except SampleError:
            return None

    def _lay_out(self, sample: Sample) -> Layout:
        return lay_out(sample, self.order, self.vocabulary, self.grid, case=self.case, max_length=self.max_length)

    def _open(self, example: int) -> "Future[Tensor]":
        path = self.folder / self.sample(example).image
        return self._pool.submit(lambda: self.to_pixels(open_picture(path)))


@functools.lru_cache(4)
def _order(count: int, seed: int, turn: int) -> Tensor:
    """The order of a pass through the samples."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 1_000_003 + turn))
