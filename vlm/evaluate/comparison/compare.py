"""Two models that were asked the same, compared: how much higher does B score than A, and could that be chance?

Of each benchmark, of each of its groups and of each kind of question:

    n, score_a, score_b       questions, and the mean scores
    difference, low, high     score_b - score_a, with its 95 % interval: pictures are drawn, the same for both models
    relative                  (score_b - score_a) / score_a, the gain of the paper's table 11; none where A has 0
    p                         of the randomisation test over pictures, which any score allows
    holm                      p of whole benchmarks, adjusted (Holm) for how many of them one call compares
    only_a, only_b            questions that one of the two alone answers right
    mcnemar, mid              of McNemar's test: its exact p value and its mid-p value

The last four are there where all scores of the benchmark are 0 or 1. CIDEr and VQA accuracy are not: of an answer that
is right by a third nobody can say whose it is.

Of each group of tasks (paper, tables 1 and 2):

    score_a, score_b          means over its benchmarks, each of which counts the same
    difference, low, high, p  of that mean; see `together`
    total                     the same of the sums over its benchmarks, which the paper prints in brackets
    relative                  mean over its benchmarks of their own
    holm                      p, adjusted for how many groups of tasks there are
    only_a, only_b, ...       of all its benchmarks with scores of 0 and 1, every question counting the same

Benchmarks are those of `benchmarks`: RefCOCO's test sets are groups of one, and POPE's three ways to ask are three. The
paper has a column for each set, and one for POPE. Scores, differences and gains are shares (1.0 is what papers print as
100), and CIDEr goes from 0 to 10.
"""

import math
from collections.abc import Sequence
from typing import Any, get_args

import pandas as pd

from vlm.evaluate import bootstrap
from vlm.evaluate.benchmark import Tasks
from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.comparison import randomisation, together
from vlm.evaluate.comparison.mcnemar import Discordant, discordant, is_binary
from vlm.evaluate.comparison.paired import Paired
from vlm.evaluate.results import ALL, parts

BENCHMARK_COLUMNS = ["benchmark", "tasks", "metric", "group", "kind", "n", "score_a", "score_b"]
TASKS_COLUMNS = ["tasks", "benchmarks", "n", "score_a", "score_b"]
DIFFERENCE_COLUMNS = ["difference", "low", "high", "relative", "p", "holm"]
DISCORDANT_COLUMNS = ["only_a", "only_b", "mcnemar", "mid"]


def compare_benchmarks(compared: Sequence[Paired]) -> pd.DataFrame:
    """A row for each benchmark, followed by its groups and kinds.

    Returns:
        benchmark, tasks, metric, group, kind, n, score_a, score_b, difference, low, high, relative, p, holm, only_a,
        only_b, mcnemar, mid; nan or none where the module says that there is nothing.
    """
    rows = [row for paired in compared for row in _rows(paired)]
    whole = [row for row in rows if row["group"] == row["kind"] == ALL]
    for row, adjusted in zip(whole, randomisation.holm([row["p"] for row in whole]), strict=True):
        row["holm"] = adjusted
    return _frame(rows, BENCHMARK_COLUMNS + DIFFERENCE_COLUMNS + DISCORDANT_COLUMNS)


def _rows(paired: Paired) -> list[dict[str, Any]]:
    benchmark = benchmark_named(paired.benchmark)
    (score_a, score_b), images = paired.scores, paired.images
    binary = _is_binary(paired)
    rows = []
    for group, kind, own in parts(paired.a):
        about = [images[place] for place in own]
        estimate = bootstrap.difference(score_b[own], score_a[own], about)
        row = {
            "benchmark": benchmark.name,
            "tasks": benchmark.tasks,
            "metric": benchmark.metric.name,
            "group": group,
            "kind": kind,
            "n": len(own),
            "score_a": score_a[own].mean(),
            "score_b": score_b[own].mean(),
            "difference": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "relative": _relative(float(score_a[own].mean()), float(score_b[own].mean())),
            "p": randomisation.p_value(score_b[own] - score_a[own], about),
            "holm": math.nan,
        }
        rows.append(row | _tested(discordant(score_a[own], score_b[own]) if binary else None))
    return rows


def compare_tasks(compared: Sequence[Paired]) -> pd.DataFrame:
    """A row for each group of tasks that one of the benchmarks belongs to.

    Returns:
        tasks, benchmarks (how many), n, score_a, score_b, difference, low, high, relative, p, holm, total, only_a,
        only_b, mcnemar, mid; nan or none where the module says that there is nothing. `relative` is nan where A scores
        nothing, in tasks on one of the benchmarks.
    """
    rows = []
    for tasks in get_args(Tasks):
        own = [paired for paired in compared if benchmark_named(paired.benchmark).tasks == tasks]
        if own:
            rows.append({"tasks": tasks, **_row_of_tasks(own)})
    for row, adjusted in zip(rows, randomisation.holm([row["p"] for row in rows]), strict=True):
        row["holm"] = adjusted
    return _frame(rows, [*TASKS_COLUMNS, *DIFFERENCE_COLUMNS, "total", *DISCORDANT_COLUMNS])


def _row_of_tasks(own: Sequence[Paired]) -> dict[str, Any]:
    means = [(float(score_a.mean()), float(score_b.mean())) for score_a, score_b in (paired.scores for paired in own)]
    differences = [paired.scores[1] - paired.scores[0] for paired in own]
    images = [paired.images for paired in own]
    estimate = together.mean_of_means(differences, images)
    binary = [discordant(*paired.scores) for paired in own if _is_binary(paired)]
    return {
        "benchmarks": len(own),
        "n": sum(len(paired.a) for paired in own),
        "score_a": sum(of_a for of_a, _ in means) / len(own),
        "score_b": sum(of_b for _, of_b in means) / len(own),
        "difference": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "p": together.p_value(differences, images),
        "total": estimate.value * len(own),
        "relative": sum(_relative(*of) for of in means) / len(own),
    } | _tested(sum(binary, start=Discordant(first=0, second=0)) if binary else None)


def _relative(score_a: float, score_b: float) -> float:
    return (score_b - score_a) / score_a if score_a else math.nan


def _is_binary(paired: Paired) -> bool:
    return all(map(is_binary, paired.scores))


def _tested(found: Discordant | None) -> dict[str, Any]:
    """The columns of McNemar's test."""
    if found is None:
        return dict.fromkeys(DISCORDANT_COLUMNS)
    return dict(zip(DISCORDANT_COLUMNS, (found.first, found.second, found.exact, found.mid), strict=True))


def _frame(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    counts = dict.fromkeys(("only_a", "only_b"), "Int64")
    return frame.astype(counts | dict.fromkeys(("mcnemar", "mid"), "float64"))
