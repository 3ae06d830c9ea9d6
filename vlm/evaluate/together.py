"""Several benchmarks as one: the mean of the differences that two models have on each, whatever number of questions a
benchmark has, with its interval and its p value.

Pictures are drawn, with all that any of the benchmarks asks of each: where they ask of the same pictures, their results
stand and fall together, and intervals that draw for each benchmark apart would be too narrow. Pictures that the same
benchmarks ask of are drawn among themselves. So every benchmark keeps its number of pictures, and where no picture is in
two of them, each is drawn independently of the others.

    sums, counts   pictures x benchmarks    differences of each picture, and how many
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm.evaluate import randomisation
from vlm.evaluate.bootstrap import AT_ONCE, COVERAGE, RESAMPLES, Estimate


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
    kinds = [np.flatnonzero(alike.ravel() == kind) for kind in range(int(alike.max()) + 1)]
    generator = np.random.default_rng(seed)
    means = []
    for part in np.array_split(np.arange(resamples), 1 + resamples * len(sums) // AT_ONCE):
        of_sums, of_counts = np.zeros((2, len(part), sums.shape[1]))
        for kind in kinds:
            drawn = generator.integers(len(kind), size=(len(part), len(kind)), dtype=np.int32)
            of_sums += _times(drawn) @ sums[kind]
            of_counts += _times(drawn) @ counts[kind]
        means.append((of_sums / of_counts).mean(axis=1))
    low, high = np.quantile(np.concatenate(means), [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    value = (sums.sum(axis=0) / counts.sum(axis=0)).mean()
    return Estimate(value=float(value), low=float(low), high=float(high))


def p_value(differences: Sequence[ArrayLike], images: Sequence[Sequence[str]]) -> float:
    """Of the randomisation test of the same mean: the two models are exchanged for a picture in all benchmarks."""
    weighted = [np.asarray(some, dtype=np.float64) / np.size(some) for some in differences]
    return randomisation.p_value(np.concatenate(weighted), [image for some in images for image in some])


def _by_picture(
    differences: Sequence[ArrayLike], images: Sequence[Sequence[str]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pictures, place = np.unique([image for some in images for image in some], return_inverse=True)
    benchmark = np.repeat(np.arange(len(images)), [len(some) for some in images])
    shape = len(pictures), len(images)
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (place, benchmark), np.concatenate([np.asarray(some, dtype=np.float64) for some in differences]))
    np.add.at(counts, (place, benchmark), 1)
    return sums, counts


def _times(drawn: NDArray[np.int32]) -> NDArray[np.int64]:
    """How often each of n was drawn, of rows of n draws: far less to move than what is drawn."""
    rows, number = drawn.shape
    offset = np.arange(rows, dtype=np.int64)[:, None] * number
    return np.bincount((drawn + offset).ravel(), minlength=rows * number).reshape(rows, number)
