"""Intervals of shares, and how the counts of several runs become one share: numpy, and nothing heavier.

Evaluations are of different sizes: most ask a part of the held-out examples, and one near the threshold up to all of
them. What pools runs therefore goes through `pooled`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z_95 = 1.959963984540054
"""Quantile 0.975 of the standard normal."""


def wilson(correct: ArrayLike, asked: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % intervals of shares (Wilson, 1927): lower and upper ends, in the shape of the inputs. Unlike the normal
    approximation they stay within 0 and 1 and mean something at 0 correct; nothing asked gives 0 to 1."""
    k, n = np.asarray(correct, dtype=np.float64), np.asarray(asked, dtype=np.float64)
    share = np.divide(k, n, out=np.full_like(n, 0.5), where=n > 0)
    spread = Z_95**2 / np.maximum(n, 1)
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * np.sqrt(share * (1 - share) / np.maximum(n, 1) + spread / (4 * np.maximum(n, 1)))
    # The ends at none and at all are 0 and 1, and not what rounding makes of them.
    return np.where((n > 0) & (k > 0), centre - half, 0.0), np.where((n > 0) & (k < n), centre + half, 1.0)


def pooled(
    correct: ArrayLike, asked: ArrayLike, group: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Effective counts of runs that are put together, `correct` and `asked`, in which every run has the same weight:
    their ratio is the mean of the runs' accuracies, and `wilson` of them its interval.

    Where all k runs were asked the same, these are the sums. Where they were not, sums would let a run that was asked
    50 times as much drown the others, and the share would be that run's. The mean of the accuracies varies as
    p (1 - p) sum(1 / n_i) / k^2, which is how the share of a single run of k^2 / sum(1 / n_i) questions varies: so much
    counts as asked. It is at most k^2 times the smallest n_i, however much the others were asked.

    Args:
        correct, asked: counts, one a run.
        group: which runs belong together: whole numbers from 0, one a run; None where all do.

    Returns:
        One value a group. A run that was not asked says nothing and is left out; a group of such runs has 0 and 0.
    """
    k, n = np.atleast_1d(np.asarray(correct, dtype=np.float64)), np.atleast_1d(np.asarray(asked, dtype=np.float64))
    groups = np.zeros(len(n), dtype=np.int64) if group is None else np.asarray(group, dtype=np.int64)
    size = int(groups.max(initial=0)) + 1
    largest = np.zeros(size)
    np.maximum.at(largest, groups, n)
    runs = np.bincount(groups, weights=n > 0, minlength=size)
    # 1 / n_i relative to the largest n_i: counts that are equal come out as their sums to the last digit.
    inverse = np.divide(largest[groups], n, out=np.zeros_like(n), where=n > 0)
    inverses = np.bincount(groups, weights=inverse, minlength=size)
    of_each = np.divide(runs * largest, inverses, out=np.zeros(size), where=inverses > 0)
    weighted = np.divide(k * of_each[groups], n, out=np.zeros_like(n), where=n > 0)
    together = np.asarray(runs * of_each, dtype=np.float64)
    return np.minimum(np.bincount(groups, weights=weighted, minlength=size), together), together
