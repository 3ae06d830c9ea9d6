"""Results: scores with their 95 % intervals, by part of a benchmark, and paired differences between two models."""

from collections.abc import Iterator, Sequence

import pandas as pd

from vlm.evaluate import bootstrap
from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.predictions import Prediction, in_the_order_of

ALL = "all"
"""The whole benchmark, where a group or a kind could stand."""


def summarise(predictions: Sequence[Prediction]) -> pd.DataFrame:
    """The results of one benchmark: a row for all of it, for each group and for each kind of question, where there are
    any.

    Returns:
        benchmark, tasks, metric, group, kind, n, score, low, high, parse_failures. Scores are shares.
    """
    benchmark = benchmark_named(predictions[0].benchmark)
    rows = []
    for group, kind, some in parts(predictions):
        estimate = bootstrap.mean([one.score for one in some], [one.image for one in some])
        rows.append(
            {
                "benchmark": benchmark.name,
                "tasks": benchmark.tasks,
                "metric": benchmark.metric.name,
                "group": group,
                "kind": kind,
                "n": len(some),
                "score": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "parse_failures": sum(not one.parsed for one in some),
            }
        )
    return pd.DataFrame(rows)


def difference(first: Sequence[Prediction], second: Sequence[Prediction]) -> pd.DataFrame:
    """How much higher `first` scores than `second` on one benchmark, as a whole and by part, question by question.

    Returns:
        benchmark, group, kind, n, difference, low, high.

    Raises:
        PredictionError: the two did not answer the same questions.
    """
    return _differences(first, _scores(first), _scores(in_the_order_of(first, second)))


def difference_of_differences(
    first: Sequence[Prediction],
    second: Sequence[Prediction],
    other_first: Sequence[Prediction],
    other_second: Sequence[Prediction],
) -> pd.DataFrame:
    """How much more `first` gains over `second` than `other_first` does over `other_second`, as `difference` has it."""
    own, base, gained, other_base = (
        _scores(in_the_order_of(first, some)) for some in (first, second, other_first, other_second)
    )
    gain = {name: score - base[name] for name, score in own.items()}
    return _differences(first, gain, {name: score - other_base[name] for name, score in gained.items()})


def _scores(predictions: Sequence[Prediction]) -> dict[str, float]:
    return {one.id: one.score for one in predictions}


def _differences(asked: Sequence[Prediction], first: dict[str, float], second: dict[str, float]) -> pd.DataFrame:
    rows = []
    for group, kind, some in parts(asked):
        own, other, images = zip(*((first[one.id], second[one.id], one.image) for one in some), strict=True)
        estimate = bootstrap.difference(own, other, images)
        rows.append(
            {
                "benchmark": asked[0].benchmark,
                "group": group,
                "kind": kind,
                "n": len(some),
                "difference": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
            }
        )
    return pd.DataFrame(rows)


def parts(predictions: Sequence[Prediction]) -> Iterator[tuple[str, str, list[Prediction]]]:
    """Group, kind and predictions of what is reported apart: the whole, each group and each kind. CIDEr of a group has
    the document frequencies of the whole benchmark."""
    yield ALL, ALL, list(predictions)
    for group in sorted({one.group for one in predictions} - {""}):
        yield group, ALL, [one for one in predictions if one.group == group]
    for kind in sorted({one.kind for one in predictions} - {""}):
        yield ALL, kind, [one for one in predictions if one.kind == kind]
