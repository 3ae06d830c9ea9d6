"""Metrics: how what was read in a model's answers is scored against what is true.

A metric takes all of a benchmark at once, as CIDEr depends on all references, and gives a score for each answer, whose
mean is the result. What else is reported of a benchmark are measures: functions of sums over its answers, such as F1 of
counts, so that they can be had of any part of it and of any resample. Scores are shares (1.0 is what papers print as
100). What could not be read is None and scores 0.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.config import ConfigError
from vlm.evaluate.metrics.boxes import best_box, exact_box_text, hits

Reading = Any
"""What a benchmark reads in an answer: a text or a box, as its metric needs it; None where it reads nothing."""
Truths = Sequence[tuple[Reading, ...]]
"""All that is right of each question: references of a caption, answers of annotators, letters, or one alone."""


Numbers = NDArray[np.float64]


class MeasureError(ConfigError):
    """A measure that could not be computed here, though others can. The message is one sentence that says why."""


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


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a benchmark is scored by, and what is reported beside it."""

    name: str
    scores: Callable[[Sequence[Reading], Truths], Sequence[float]]
    best_constant: Callable[[Truths], str]
    """The answer, as text, that scores highest when it is given to every question."""
    further: tuple[Measure, ...] = ()
    """What is reported beside the mean score."""


def _correct(readings: Sequence[Reading], truths: Truths) -> list[float]:
    return [float(reading is not None and reading in some) for reading, some in zip(readings, truths, strict=True)]


def _most_frequent(truths: Truths) -> str:
    return str(Counter(truth for some in truths for truth in dict.fromkeys(some)).most_common(1)[0][0])


ACCURACY = Metric(name="accuracy", scores=_correct, best_constant=_most_frequent)
OVERLAP = Metric(
    name="IoU > 0.5",
    scores=lambda readings, truths: hits(readings, [truth for (truth,) in truths]),
    best_constant=lambda truths: exact_box_text(best_box([truth for (truth,) in truths])),
)
