"""Bootstrap intervals of a mean score, and of the difference between two models that were asked the same.

What is drawn again is pictures, with all that was asked of each: answers about one picture stand and fall together, and
intervals that draw questions would be too narrow. The interval is the percentile interval (Efron and Tibshirani, 1993,
chapter 13). Where all scores are equal it has no width, whatever their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.config import require

RESAMPLES = 10_000
COVERAGE = 0.95
AT_ONCE = 2_500_000
"""Most drawn pictures that are held in memory."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean and its interval."""

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
    require(len(values) > 0, "there is nothing to take a mean of: name a file with predictions.")
    _, picture = np.unique(np.asarray(images), return_inverse=True)
    sums, counts = np.bincount(picture, weights=values), np.bincount(picture).astype(np.float64)
    generator = np.random.default_rng(seed)
    means: list[NDArray[np.float64]] = []
    for part in np.array_split(np.arange(resamples), 1 + resamples * len(sums) // AT_ONCE):
        drawn = generator.integers(len(sums), size=(len(part), len(sums)), dtype=np.int32)
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Estimate(value=float(values.mean()), low=float(low), high=float(high))


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
