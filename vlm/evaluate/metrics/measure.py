"""Measures: what is reported of a benchmark beside its mean score.

A measure is a function of sums over the answers, such as F1 of hits and misses, so that it can be had of any part of a
benchmark and of any resample without scoring anything again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reading = Any
"""What a benchmark reads in an answer: a text or a box, as its metric needs it; None where it reads nothing."""
Truths = Sequence[tuple[Reading, ...]]
"""All that is right of each question; there is one of it but for captions."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number that is reported of a whole benchmark."""

    name: str
    parts: Callable[[Sequence[Reading], Truths], Numbers]
    """n answers x k numbers, such as hits and false alarms; of all of the benchmark."""
    of: Callable[[Numbers], Numbers]
    """... x k, sums over answers -> ..., the measure of each."""
    lacking: Callable[[], str] = lambda: ""
    """What this machine lacks to compute it, as a sentence; nothing where it can be had."""


def ratio(sums: Numbers, over: Numbers) -> Numbers:
    """Their quotient, 0 where it is of nothing."""
    return np.asarray(np.divide(sums, over, out=np.zeros_like(sums, dtype=np.float64), where=over > 0))


def mean_of(name: str, scores: Callable[[Sequence[Reading], Truths], Sequence[float]], **others: Any) -> Measure:
    """The measure that is the mean of a score of each answer."""

    def parts(readings: Sequence[Reading], truths: Truths) -> Numbers:
        each = np.asarray(scores(readings, truths), dtype=np.float64)
        return np.stack([each, np.ones_like(each)], axis=1)

    return Measure(name=name, parts=parts, of=lambda sums: ratio(sums[..., 0], sums[..., 1]), **others)
