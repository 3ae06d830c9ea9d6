"""What `vlm compare` shows of two models, and what it gives to scripts.

On the screen benchmarks stand by tasks, with their mean below them, and scores are times 100; groups and kinds are in
the tables that are written. All of it fits into 80 columns.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from vlm.evaluate.bootstrap import COVERAGE
from vlm.evaluate.results import whole
from vlm.evaluate.screen import empty_table

SMALL = 0.001
"""Smaller p values are said to be below it."""
NARROW = (0, 0, 0, 1)
"""Space around what stands in a table: eight columns fit."""
LEGEND = (
    "gain: of A's score, the mean of its benchmarks for tasks. p: how often A and B are as far apart when "
    "pictures, with all that was asked of each, are exchanged between them at random; Holm adjusts it for the number "
    "of benchmarks, and of tasks. McNemar (exact) and mid-p: of the questions that only one of the two answers right, "
    "where scores are 0 or 1; they take questions for independent, also those about one picture."
)

Row = Mapping[Any, Any]


def print_comparison(console: Console, a: Path, b: Path, benchmarks: pd.DataFrame, tasks: pd.DataFrame) -> None:
    """Differences, and whether they could be chance, of `compare.compare_benchmarks` and `compare.compare_tasks`."""
    console.print(f"A  {a}", f"B  {b}", "", sep="\n", highlight=False, markup=False, soft_wrap=True)
    table = empty_table(["", "metric"], ["A", "B", "B - A", f"{COVERAGE:.0%} interval", "gain"], padding=NARROW)
    for named, row in _sections(benchmarks, tasks):
        if named is None:
            table.add_row(row["benchmark"], row["metric"], *_apart(row))
        else:
            table.add_row(f"mean of {named}", "", *_apart(row))
            if row["benchmarks"] > 1:
                table.add_row(f"sum of {named}", "", *_apart({**row, "relative": None}, row["benchmarks"]))
            table.add_section()
    console.print(table)
    console.print()
    numbers = ["n", "p", "Holm", "only A", "only B", "McNemar", "mid-p"]
    table = empty_table([""], numbers, padding=NARROW)
    for named, row in _sections(benchmarks, tasks):
        name = row["benchmark"] if named is None else f"all of {named}"
        table.add_row(name, f"{row['n']:,}", _p(row["p"]), _p(row["holm"]), *_discordant(row))
        if named is not None:
            table.add_section()
    console.print(table)
    console.print()
    console.print(LEGEND, style="dim", highlight=False)


def as_json(a: Path, b: Path, benchmarks: pd.DataFrame, tasks: pd.DataFrame) -> dict[str, Any]:
    """All rows of both tables, as JSON has them: null where there is nothing."""
    return {
        "a": str(a),
        "b": str(b),
        "coverage": COVERAGE,
        "benchmarks": [_plain(row) for row in benchmarks.to_dict("records")],
        "tasks": [_plain(row) for row in tasks.to_dict("records")],
    }


def _plain(row: Row) -> dict[str, Any]:
    return {str(name): None if pd.isna(value) else value for name, value in row.items()}


def _sections(benchmarks: pd.DataFrame, tasks: pd.DataFrame) -> Iterator[tuple[str | None, Row]]:
    """Whole benchmarks of each group of tasks, with None, and then the group itself, with its name."""
    of_all = whole(benchmarks)
    for some in tasks.to_dict("records"):
        yield from ((None, row) for row in of_all[of_all["tasks"] == some["tasks"]].to_dict("records"))
        yield some["tasks"], some


def _apart(row: Row, times: int = 1) -> tuple[str, ...]:
    """Scores, their difference with its interval, and the relative gain."""
    of_a, of_b, apart, low, high = (
        100 * times * row[name] for name in ("score_a", "score_b", "difference", "low", "high")
    )
    gain = "" if pd.isna(row["relative"]) else f"{100 * row['relative']:+.1f} %"
    return f"{of_a:.1f}", f"{of_b:.1f}", f"{apart:+.1f}", f"{low:+.1f} to {high:+.1f}", gain


def _discordant(row: Row) -> tuple[str, ...]:
    if pd.isna(row["only_a"]):
        return ("",) * 4
    return f"{row['only_a']:,}", f"{row['only_b']:,}", _p(row["mcnemar"]), _p(row["mid"])


def _p(value: float) -> str:
    return f"< {SMALL}" if value < SMALL else f"{value:.3f}"
