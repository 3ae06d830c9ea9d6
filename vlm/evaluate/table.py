"""Models side by side: one tidy table of scores, one of differences, and both for the screen.

Every family is compared with the first one (Pythia) in the same order, and every order with the first one
(task-agnostic) in the same family; each difference is paired, question by question, with its 95 % interval.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from rich.console import Console
from rich.table import Table

from backbones.pairs import FAMILIES
from training.config import require
from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.constants import best_constant, best_constant_by_kind
from vlm.evaluate.predictions import Prediction, in_the_order_of
from vlm.evaluate.results import ALL, difference, summarise

ORDERS = ("task-agnostic", "task-aware", "query-first")
CONSTANT, CONSTANT_BY_KIND = "best constant", "best constant by kind"
"""What stands for the family in the rows of `constants`, which have no order."""


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What one model said to one benchmark."""

    family: str
    order: str
    predictions: Sequence[Prediction]

    @property
    def benchmark(self) -> str:
        return self.predictions[0].benchmark


def scores(evaluated: Sequence[Evaluated]) -> pd.DataFrame:
    """The results of all models, and of the best constant answers, in the order in which they are drawn.

    Returns:
        family, order, and the columns of `results.summarise`.

    Raises:
        ConfigError: there are none, one is given twice, or two did not answer the same questions.
    """
    frames = []
    for some in by_benchmark(evaluated):
        asked = some[0].predictions
        rows = [(CONSTANT, "", best_constant(asked))]
        if len({one.kind for one in asked}) > 1:
            rows.append((CONSTANT_BY_KIND, "", best_constant_by_kind(asked)))
        rows += [(one.family, one.order, list(one.predictions)) for one in some]
        for family, order, predictions in rows:
            frame = summarise(predictions)
            frame.insert(0, "family", family)
            frame.insert(1, "order", order)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def differences(evaluated: Sequence[Evaluated]) -> pd.DataFrame:
    """All paired differences between families of one order, and between orders of one family.

    Returns:
        comparison (such as `mamba - pythia`), within (the order or the family that both share), and the columns of
        `results.difference`; without rows where there is nothing to compare.

    Raises:
        ConfigError: as `scores`.
    """
    frames = []
    for some in by_benchmark(evaluated):
        for base, other in itertools.combinations(some, 2):
            if base.order == other.order and base.family == FAMILIES[0]:
                names = f"{other.family} - {base.family}", base.order
            elif base.family == other.family and base.order == ORDERS[0]:
                names = f"{other.order} - {base.order}", base.family
            else:
                continue
            frame = difference(other.predictions, base.predictions)
            frame.insert(0, "comparison", names[0])
            frame.insert(1, "within", names[1])
            frames.append(frame)
    if not frames:
        columns = ["comparison", "within", "benchmark", "group", "kind", "n", "difference", "low", "high"]
        return pd.DataFrame(columns=columns)
    return pd.concat(frames, ignore_index=True)


def by_benchmark(evaluated: Sequence[Evaluated]) -> Iterator[list[Evaluated]]:
    """What belongs to each benchmark, both in the order that they always have."""
    require(bool(evaluated), "there is nothing to compare: name files of predictions.")
    for name in BENCHMARKS:
        some = sorted((one for one in evaluated if one.benchmark == name), key=lambda one: (_rank(one), one.family))
        labels = [(one.family, one.order) for one in some]
        for family, order in labels:
            require(
                labels.count((family, order)) == 1,
                f"there are several predictions of {name} by {family}, {order}: name one of them.",
            )
        for one in some[1:]:
            in_the_order_of(some[0].predictions, one.predictions)
        if some:
            yield some


def _rank(one: Evaluated) -> tuple[int, int]:
    """Pythia in front of Mamba, and of each the task-agnostic one first; what is not known behind."""
    return (
        FAMILIES.index(one.family) if one.family in FAMILIES else len(FAMILIES),
        ORDERS.index(one.order) if one.order in ORDERS else len(ORDERS),
    )


def print_results(console: Console, scores: pd.DataFrame, differences: pd.DataFrame) -> None:
    """Two tables of whole benchmarks, times 100: a column for each model, then one for each difference."""
    overall = scores[(scores["group"] == ALL) & (scores["kind"] == ALL)]
    console.print(_table("score [95 % interval]", overall, ["family", "order"], "score", "{:.1f}"))
    failures = overall[overall["parse_failures"] > 0]
    for row in failures.itertuples():
        name = " ".join(filter(None, (row.family, row.order)))
        console.print(
            f"{row.benchmark}: {row.parse_failures} of {row.n} answers of {name} could not be read; they score 0."
        )
    overall = differences[(differences["group"] == ALL) & (differences["kind"] == ALL)]
    if len(overall):
        console.print(
            _table("difference [95 % interval, paired]", overall, ["comparison", "within"], "difference", "{:+.1f}")
        )


def _table(title: str, frame: pd.DataFrame, labels: list[str], value: str, form: str) -> Table:
    """A row a benchmark, and a column for each combination of labels; a value above its interval."""
    table = Table(title=title, title_justify="left")
    table.add_column("benchmark (n)\nmetric")
    columns = list(frame[labels].drop_duplicates().itertuples(index=False, name=None))
    for column in columns:
        table.add_column("\n".join(column), justify="right")
    for name, some in frame.groupby("benchmark", sort=False):
        cells = {tuple(row[label] for label in labels): row for row in some.to_dict("records")}
        table.add_row(
            f"{name} ({some['n'].iloc[0]:,})\n{BENCHMARKS[name].metric.name}",
            *(_cell(cells[column], value, form) if column in cells else "" for column in columns),
        )
    return table


def _cell(row: dict[str, float], value: str, form: str) -> str:
    at, low, high = (form.format(100 * row[name]) for name in (value, "low", "high"))
    return rf"{at}" + "\n" + rf"\[{low}, {high}]"
