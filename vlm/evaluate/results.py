"""Results: scores and measures with their 95 % intervals, by part of a benchmark, and differences between models."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vlm.evaluate import bootstrap
from vlm.evaluate.benchmark import Benchmark
from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.metrics.metric import Measure, MeasureError, mean_of
from vlm.evaluate.predictions import Prediction, in_the_order_of, scored_in

COLUMNS = ["benchmark", "tasks", "metric", "group", "kind", "n", "score", "low", "high", "parse_failures"]

ALL = "all"
"""The whole benchmark, where a group or a kind could stand."""


def summarise(predictions: Sequence[Prediction], further: bool = True) -> pd.DataFrame:
    """The results of one benchmark: a row for all of it, for each group and for each kind of question, where there are
    any; of its score, and then of each measure that is reported beside it. Answers that cannot be scored are left out.

    Args:
        further: False leaves measures out.

    Returns:
        benchmark, tasks, metric, group, kind, n, score, low, high, parse_failures. Scores are shares.
    """
    benchmark = benchmark_named(predictions[0].benchmark)
    scored = scored_in(predictions)
    images = np.array([one.image for one in scored])
    rows = []
    for measure, numbers in _measured(benchmark, scored, further):
        for group, kind, own in parts(scored):
            estimate = bootstrap.estimate(numbers[own], measure.of, images[own])
            rows.append(
                {
                    "benchmark": benchmark.name,
                    "tasks": benchmark.tasks,
                    "metric": measure.name,
                    "group": group,
                    "kind": kind,
                    "n": len(own),
                    "score": estimate.value,
                    "low": estimate.low,
                    "high": estimate.high,
                    "parse_failures": sum(not scored[n].parsed for n in own),
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def read_summary(path: Path, scored: Sequence[Prediction]) -> pd.DataFrame | None:
    """What `summarise` gave of these predictions, from a file; None where there is none, it is of others, or lacks what
    this machine can compute."""
    if not path.exists():
        return None
    frame = pd.read_csv(path, keep_default_na=False)
    metric = benchmark_named(scored[0].benchmark).metric
    wanted = [metric.name, *(one.name for one in metric.further if not one.lacking())]
    expected = [(name, group, kind, len(own)) for name in wanted for group, kind, own in parts(scored)]
    if list(frame.columns) != COLUMNS:
        return None
    there = set(frame[["metric", "group", "kind", "n"]].itertuples(index=False, name=None))
    return frame if there >= set(expected) else None


def whole(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of whole benchmarks."""
    return frame[(frame["group"] == ALL) & (frame["kind"] == ALL)]


def headlines(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the scores that benchmarks are compared by, without the measures beside them."""
    return frame[frame["metric"] == frame["benchmark"].map(lambda name: benchmark_named(name).metric.name)]


def left_out(benchmark: Benchmark) -> list[str]:
    """What this machine lacks for measures of a benchmark, a sentence each."""
    return list(filter(None, (measure.lacking() for measure in benchmark.metric.further)))


def _measured(
    benchmark: Benchmark, scored: Sequence[Prediction], further: bool
) -> Iterator[tuple[Measure, NDArray[np.float64]]]:
    """What is reported of a benchmark, and what it is a function of sums of: answers x k."""
    known = [one.score or 0.0 for one in scored]
    headline = mean_of(benchmark.metric.name, lambda *_: known)
    yield headline, headline.parts((), ())
    if further and scored:
        readings = benchmark.readings([one.prediction for one in scored])
        truths = benchmark.truths([one.answers for one in scored])
        for measure in benchmark.metric.further:
            if measure.lacking():
                continue
            try:
                numbers = measure.parts(readings, truths)
            except MeasureError as error:
                print(f"Left out: {error}", file=sys.stderr)
                continue
            yield measure, numbers


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
    return {one.id: one.score for one in predictions if one.score is not None}


def _differences(asked: Sequence[Prediction], first: dict[str, float], second: dict[str, float]) -> pd.DataFrame:
    rows = []
    asked = scored_in(asked)
    for group, kind, own in parts(asked):
        some = [asked[n] for n in own]
        estimate = bootstrap.difference(
            [first[one.id] for one in some], [second[one.id] for one in some], [one.image for one in some]
        )
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


def parts(predictions: Sequence[Prediction]) -> Iterator[tuple[str, str, list[int]]]:
    """Group, kind and places of what is reported apart: the whole, each group and each kind. CIDEr of a group has the
    document frequencies of the whole benchmark."""
    if predictions:
        yield ALL, ALL, list(range(len(predictions)))
    for group in sorted({one.group for one in predictions} - {""}):
        yield group, ALL, [n for n, one in enumerate(predictions) if one.group == group]
    for kind in sorted({one.kind for one in predictions} - {""}):
        yield ALL, kind, [n for n, one in enumerate(predictions) if one.kind == kind]
