"""The best that can be done without looking at a picture: one answer to all questions of a benchmark, or one to all of
a kind. A model that is not above it has learned nothing of pictures.

The answer is chosen on the very questions that it is scored on, and not on the training set, which is the harsher
floor: of the same candidates, none that is chosen elsewhere can score higher. Candidates are all right answers, all
references, and for boxes also those whose corners lie on a grid.
"""

from collections.abc import Sequence

from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.predictions import Prediction, answered


def best_constant(predictions: Sequence[Prediction]) -> list[Prediction]:
    """The same questions, all with the one answer that scores highest.

    Args:
        predictions: of one benchmark; only what they answer is read.
    """
    return answered(predictions, [_best(predictions)] * len(predictions))


def best_constant_by_kind(predictions: Sequence[Prediction]) -> list[Prediction]:
    """The same questions, all of a kind with the one answer that scores highest among them."""
    kinds = {one.kind for one in predictions}
    best = {kind: _best([one for one in predictions if one.kind == kind]) for kind in kinds}
    return answered(predictions, [best[one.kind] for one in predictions])


def _best(predictions: Sequence[Prediction]) -> str:
    benchmark = benchmark_named(predictions[0].benchmark)
    return benchmark.metric.best_constant(benchmark.truths([one.answers for one in predictions]))
