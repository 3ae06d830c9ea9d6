"""Bootstrap intervals of a mean score, of any measure that is a function of sums over answers, and of the difference
between two models that were asked the same.

What is drawn again is pictures, with all that was asked of each: answers about one picture stand and fall together, and
intervals that draw questions would be too narrow. The interval is the percentile interval (Efron and Tibshirani, 1993,
chapter 13). Where all scores are equal it has no width, whatever their number.

    parts      answers x k        what is summed of each answer
    sums       pictures x k       the same of each picture
    resamples  resamples x k      the same of as many pictures, drawn with replacement
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.config import require
from vlm.evaluate.metrics.metric import Numbers

RESAMPLES = 10_000
COVERAGE = 0.95
AT_ONCE = 2_500_000
"""Most drawn pictures that are held in memory."""
MANY = 10_000
"""From so many pictures on, those with equal sums are drawn together where that is quicker."""
ALIKE = 8
"""It is where there are so many of them to each distinct one: a binomial number costs as much as so many draws."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value and its interval."""

    value: float
    low: float
    high: float


def mean(scores: ArrayLike, images: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """The mean of the scores and its 95 % interval.

    Args:
        scores: n.
        images: n; the picture that each is about.

    Raises:
        ConfigError: there are no scores.
    """
    values = np.asarray(scores, dtype=np.float64)
    parts = np.stack([values, np.ones_like(values)], axis=-1)
    return estimate(parts, lambda sums: sums[..., 0] / sums[..., 1], images, resamples=resamples, seed=seed)


def estimate(
    parts: Numbers,
    of: Callable[[Numbers], Numbers],
    images: Sequence[str] | NDArray[np.str_],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """A function of sums, and its 95 % interval.

    Args:
        parts: n x k; what is summed.
        of: ... x k -> ..., such as a quotient of two of the sums.
        images: n; the picture that each row is about.

    Raises:
        ConfigError: there are no rows.
    """
    require(len(parts) > 0, "there is nothing to take a mean of: name a file with predictions.")
    names, picture = np.unique(np.asarray(images), return_inverse=True)
    sums = np.stack([np.bincount(picture, part, len(names)) for part in parts.T], axis=1).astype(np.float64)
    drawn = of(resampled(sums, resamples, np.random.default_rng(seed)))
    low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Estimate(value=float(of(parts.sum(axis=0))), low=float(low), high=float(high))


def resampled(sums: Numbers, resamples: int, generator: np.random.Generator) -> Numbers:
    """Sums of as many pictures as there are, drawn anew for each resample: resamples x k, of pictures x k."""
    if len(sums) >= MANY:
        distinct, counts = np.unique(sums, axis=0, return_counts=True)
        if len(distinct) * ALIKE <= len(sums):
            return generator.multinomial(len(sums), counts / len(sums), size=resamples) @ distinct
    found = []
    for part in np.array_split(np.arange(resamples), 1 + resamples * len(sums) // AT_ONCE):
        drawn = generator.integers(len(sums), size=(len(part), len(sums)), dtype=np.int32)
        # How often each picture was drawn, row by row: far less to move than what is drawn.
        rows = np.arange(len(part), dtype=np.int64)[:, None] * len(sums)
        times = np.bincount((drawn + rows).ravel(), minlength=len(part) * len(sums)).reshape(len(part), len(sums))
        found.append(times @ sums)
    return np.concatenate(found)


def difference(
    first: ArrayLike, second: ArrayLike, images: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """The mean of `first` less that of `second`, and its 95 % interval. Paired: the same pictures are drawn for both,
    which makes it the mean of the differences.

    Args:
        first, second: n; scores of two models for the same n questions, in the same order.
        images: n; the picture that each is about.
    """
    paired = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    return mean(paired, images, resamples=resamples, seed=seed)
