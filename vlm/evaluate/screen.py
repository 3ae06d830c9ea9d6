"""What `vlm evaluate` shows: scores of models beside the best constants and the paper's, differences, and measures.

All is times 100. Whole benchmarks are shown, and the parts that the paper's tables have; all parts are in the files.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from backbones.pairs import FAMILIES
from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.bootstrap import COVERAGE
from vlm.evaluate.results import ALL, headlines, whole

INTERVAL = f"{COVERAGE:.0%} interval"


def print_results(console: Console, scores: pd.DataFrame, differences: pd.DataFrame) -> None:
    """Two tables: the constants and the models of each benchmark, then the differences."""
    of_the_paper = bool(scores["published"].notna().any())
    numbers = ["score", INTERVAL, *["paper"] * of_the_paper, "unread"]
    table = empty_table(["benchmark", "model"], numbers)
    for name, some in _shown(scores).groupby("benchmark", sort=False):
        said = [name, f"{some['metric'].iloc[0]}, n = {some['n'].iloc[0]:,}"]
        for about, row in zip(itertools.chain(said, itertools.repeat("")), some.to_dict("records"), strict=False):
            published = "" if pd.isna(row["published"]) else f"{100 * row['published']:.1f}"
            model = " ".join(filter(None, ("" if row["group"] == ALL else row["group"], _model(row))))
            score, interval, unread = numbers_of(row)
            table.add_row(about, model, score, interval, *[published] * of_the_paper, unread)
        table.add_section()
    console.print(table)
    if differences.empty:
        return
    console.print()
    table = empty_table(["benchmark", "paired difference"], ["score", INTERVAL])
    for name, some in whole(differences).groupby("benchmark", sort=False):
        for row in some.to_dict("records"):
            what = ", ".join(filter(None, (row["comparison"], row["within"])))
            table.add_row(name, what, f"{100 * row['difference']:+.1f}", _interval(row, "{:+.1f}"))
            name = ""
        table.add_section()
    console.print(table)


def print_measures(console: Console, scores: pd.DataFrame) -> None:
    """What is reported of whole benchmarks beside their scores, times 100."""
    of_all = whole(scores)
    beside = of_all.drop(headlines(of_all).index)
    if beside.empty:
        return
    console.print()
    table = empty_table(["benchmark", "measure", "model"], ["value", INTERVAL])
    for name, some in beside.groupby("benchmark", sort=False):
        for measure, rows in some.groupby("metric", sort=False):
            for row in rows.to_dict("records"):
                table.add_row(name, measure, _model(row), *numbers_of(row)[:2])
                name = measure = ""
        table.add_section()
    console.print(table)


def _shown(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of whole benchmarks, and behind them those of parts that the paper has apart."""
    apart = {name for name in scores["benchmark"].unique() if benchmark_named(name).by_group}
    shown = headlines(scores[(scores["kind"] == ALL) & ((scores["group"] == ALL) | scores["benchmark"].isin(apart))])
    is_model = shown["family"].isin(FAMILIES)
    return shown[is_model | (shown["group"] == ALL)].sort_values("group", key=_rank, kind="stable")


def _rank(groups: pd.Series) -> pd.Series:
    """The whole first, and then parts by their names."""
    return groups.where(groups != ALL, "")


def empty_table(texts: Sequence[str], numbers: Sequence[str], **looks: Any) -> Table:
    """A table as all of them look here: columns of texts, and then of numbers, which stand to the right."""
    table = Table(*texts, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, **looks)
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def numbers_of(row: dict[str, Any]) -> tuple[str, str, str]:
    """A score and its interval, times 100, and how many answers could not be read, where there are some."""
    unread = f"{row['parse_failures']:,}" if row["parse_failures"] else ""
    return f"{100 * row['score']:.1f}", _interval(row), unread


def _model(row: dict[str, Any]) -> str:
    return " ".join(filter(None, (row["pair"], row["family"], row["order"])))


def _interval(row: dict[str, Any], form: str = "{:.1f}") -> str:
    return f"{form.format(100 * row['low'])} to {form.format(100 * row['high'])}"
