"""Metrics: how what was read in a model's answers is scored against what is true.

A metric takes all of a benchmark at once, as CIDEr depends on all references, and gives a score for each answer, whose
mean is the result. Scores are shares (1.0 is what papers print as 100). What could not be read is None and scores 0.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vlm.evaluate.boxes import best_box, exact_box_text, hits
from vlm.evaluate.captions import best_caption, cider

Reading = Any
"""What a benchmark reads in an answer: a text or a box, as its metric needs it; None where it reads nothing."""
Truths = Sequence[tuple[Reading, ...]]
"""All that is right of each question; there is one of it but for captions."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A name for tables, and two functions."""

    name: str
    scores: Callable[[Sequence[Reading], Truths], Sequence[float]]
    best_constant: Callable[[Truths], str]
    """The answer, as text, that scores highest when it is given to every question."""


def _correct(readings: Sequence[Reading], truths: Truths) -> list[float]:
    return [float(reading is not None and reading in some) for reading, some in zip(readings, truths, strict=True)]


def _most_frequent(truths: Truths) -> str:
    return str(Counter(truth for some in truths for truth in dict.fromkeys(some)).most_common(1)[0][0])


ACCURACY = Metric(name="accuracy", scores=_correct, best_constant=_most_frequent)
CIDER = Metric(
    name="CIDEr",
    scores=lambda readings, truths: cider([reading or "" for reading in readings], truths).tolist(),
    best_constant=best_caption,
)
OVERLAP = Metric(
    name="IoU > 0.5",
    scores=lambda readings, truths: hits(readings, [truth for (truth,) in truths]),
    best_constant=lambda truths: exact_box_text(best_box([truth for (truth,) in truths])),
)
