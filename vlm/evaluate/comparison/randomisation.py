"""Randomisation test: could the difference of two models that were asked the same be chance?

Were the two equal, it would be chance which of them said what of a picture: with the two exchanged for any of the
pictures, the difference could as well have been found. p is the share of all such exchanges in which the models lie as
far apart as they do, or farther (Fisher, 1935; Noreen, 1989). It needs no more of the scores than that, so it is one
test for right answers, VQA accuracy and CIDEr. What is exchanged is pictures with all that was asked of each, as in the
bootstrap. With one question a picture and scores of 0 and 1 it is McNemar's exact test.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from vlm.evaluate.bootstrap import AT_ONCE

EXCHANGES = 10_000
"""Random ones, where there are more in all. No p is below 1 of so many and one."""
ROUNDING = 1e-9
"""Sums of which the difference is a smaller share than this are equal."""


def p_value(differences: ArrayLike, images: Sequence[str], *, exchanges: int = EXCHANGES, seed: int = 0) -> float:
    """Two-sided p value of the sum of differences, which is that of their mean.

    Args:
        differences: n; how much higher one model scores than the other at each question, times the weight it has.
        images: n; the picture that each is about.
        exchanges: how many are drawn; where there are no more in all, each is taken once, and p is exact.
    """
    each = np.asarray(differences, dtype=np.float64)
    _, picture = np.unique(np.asarray(images), return_inverse=True)
    rounding = ROUNDING * np.abs(each).sum()
    sums = np.bincount(picture, weights=each)
    sums = sums[np.abs(sums) > rounding]
    found = abs(sums.sum()) - rounding
    if 2 ** len(sums) <= exchanges:
        kept = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        return float(np.mean(np.abs((2 * kept - 1) @ sums) >= found))
    generator = np.random.default_rng(seed)
    as_far = 0
    for part in np.array_split(np.arange(exchanges), 1 + exchanges * len(sums) // AT_ONCE):
        kept = generator.integers(2, size=(len(part), len(sums)), dtype=np.int8)
        as_far += int(np.count_nonzero(np.abs((2 * kept - 1) @ sums) >= found))
    return (as_far + 1) / (exchanges + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values of several tests, adjusted so that the chance of any false one among them is bounded (Holm, 1979):
    from the smallest on, each times the number of tests that are left, and none below the one before it."""
    adjusted = np.empty(len(p_values))
    least = 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = least
    return [float(p) for p in adjusted]
