"""Metrics: how what was read in a model's answers is scored against what is true.

A metric takes all of a benchmark at once, as CIDEr depends on all references, and gives a score for each answer, whose
mean is the result. What else is reported of a benchmark are measures: functions of sums over its answers, such as F1 of
counts, so that they can be had of any part of it and of any resample. Scores are shares (1.0 is what papers print as
100). What could not be read is None and scores 0.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vlm.evaluate.metrics.boxes import best_box, exact_box_text, hits
from vlm.evaluate.metrics.captions import FURTHER, best_caption, cider
from vlm.evaluate.metrics.measure import Measure, Reading, Truths


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A name for tables, and two functions."""

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
CIDER = Metric(
    name="CIDEr",
    scores=lambda readings, truths: cider([reading or "" for reading in readings], truths).tolist(),
    best_constant=best_caption,
    further=FURTHER,
)
OVERLAP = Metric(
    name="IoU > 0.5",
    scores=lambda readings, truths: hits(readings, [truth for (truth,) in truths]),
    best_constant=lambda truths: exact_box_text(best_box([truth for (truth,) in truths])),
)
