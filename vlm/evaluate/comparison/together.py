"""Several benchmarks as one: the mean of the differences that two models have on each, whatever number of questions a
benchmark has, with its interval and its p value.

Pictures are drawn, with all that any of the benchmarks asks of each: where benchmarks ask of the same pictures, as many
do of COCO's, their results stand and fall together, and intervals that draw for each benchmark apart would be too
narrow. Pictures that the same benchmarks ask of are drawn among themselves. So every resample has as many pictures of
each benchmark as there are, and benchmarks that share no picture are drawn independently of each other.

    sums     pictures x benchmarks    of the differences about each picture
    counts   pictures x benchmarks    how many they are
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from vlm.evaluate.bootstrap import COVERAGE, RESAMPLES, Estimate, resampled
from vlm.evaluate.comparison import randomisation
from vlm.evaluate.metrics.metric import Numbers


def mean_of_means(
    differences: Sequence[ArrayLike], images: Sequence[Sequence[str]], *, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """The mean over benchmarks of the mean difference in each, and its 95 % interval.

    Args:
        differences: of each benchmark, one a question.
        images: likewise; the picture that each is about.
    """
    sums, counts = _by_picture(differences, images)
    _, alike = np.unique(counts > 0, axis=0, return_inverse=True)
    generator = np.random.default_rng(seed)
    both = np.concatenate([sums, counts], axis=1)
    drawn = np.zeros((resamples, both.shape[1]))
    for kind in range(int(alike.max()) + 1):
        drawn += resampled(both[alike.ravel() == kind], resamples, generator)
    means = _mean(*np.split(drawn, 2, axis=1))
    low, high = np.quantile(means, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Estimate(value=float(_mean(sums.sum(axis=0), counts.sum(axis=0))), low=float(low), high=float(high))


def p_value(differences: Sequence[ArrayLike], images: Sequence[Sequence[str]]) -> float:
    """Of the randomisation test of the same mean: the two models are exchanged for a picture in all benchmarks."""
    weighted = [np.asarray(some, dtype=np.float64) / np.size(some) for some in differences]
    return randomisation.p_value(np.concatenate(weighted), [image for some in images for image in some])


def _mean(sums: Numbers, counts: Numbers) -> Numbers:
    """Of ... x benchmarks."""
    return np.asarray((sums / counts).mean(axis=-1))


def _by_picture(differences: Sequence[ArrayLike], images: Sequence[Sequence[str]]) -> tuple[Numbers, Numbers]:
    """Sums and counts."""
    pictures, place = np.unique([image for some in images for image in some], return_inverse=True)
    benchmark = np.repeat(np.arange(len(images)), [len(some) for some in images])
    sums, counts = np.zeros((2, len(pictures), len(images)))
    np.add.at(sums, (place, benchmark), np.concatenate([np.asarray(some, dtype=np.float64) for some in differences]))
    np.add.at(counts, (place, benchmark), 1)
    return sums, counts
