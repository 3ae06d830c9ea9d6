"""A forest plot of two models: the difference of each benchmark with its 95 % interval, and below those of a group of
tasks their mean. A mark is filled where its interval lies on one side of zero. Saved as PNG and PDF.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlm.evaluate.bootstrap import COVERAGE
from vlm.evaluate.figure import save_figure
from vlm.evaluate.results import whole

COLOUR = "#14395b"


def draw_differences(benchmarks: pd.DataFrame, tasks: pd.DataFrame, out: Path, a: str, b: str) -> list[Path]:
    """Draws the whole benchmarks of `compare.compare_benchmarks`, and the rows of `compare.compare_tasks`.

    Args:
        out: folder; made where it is missing.
        a, b: what the two models are called.

    Returns:
        The files written.

    Raises:
        ConfigError: `out` cannot be written to. Nothing has been written then.
    """
    return save_figure(lambda: _figure(whole(benchmarks), tasks, a, b), out, "comparison", bbox_inches="tight")


def _figure(benchmarks: pd.DataFrame, tasks: pd.DataFrame, a: str, b: str) -> Figure:
    rows = len(benchmarks) + 2 * len(tasks)
    figure, axis = plt.subplots(figsize=(6.2, 1.3 + 0.24 * rows), layout="constrained")
    names: list[str] = []
    headings: list[int] = []
    for some in tasks.to_dict("records"):
        headings.append(len(names))
        names.append(some["tasks"])
        for row in benchmarks[benchmarks["tasks"] == some["tasks"]].to_dict("records"):
            _mark(axis, row, len(names), "o", 5)
            names.append(f"{row['benchmark']} (n = {row['n']:,})")
        _mark(axis, some, len(names), "D", 6)
        names.append("mean")
    axis.axvline(0, color="0.45", lw=1, zorder=0)
    axis.set_yticks(range(len(names)), names)
    for place in headings:
        axis.get_yticklabels()[place].set_fontweight("bold")
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.margins(x=0.08)
    axis.set_xlabel("A is higher  ←  B - A (times 100)  →  B is higher")
    figure.suptitle(f"Differences, with {COVERAGE:.0%} bootstrap intervals over pictures\nA: {a}\nB: {b}", fontsize=9.5)
    sns.despine(ax=axis, left=True)
    return figure


def _mark(axis: Axes, row: dict[str, float], place: int, marker: str, size: float) -> None:
    """A difference and its interval. A mean can lie a rounding outside of an interval that has no width."""
    middle, low, high = (100 * row[name] for name in ("difference", "low", "high"))
    axis.errorbar(
        [middle],
        [place],
        xerr=[[max(0, middle - low)], [max(0, high - middle)]],
        fmt=marker,
        color=COLOUR,
        markerfacecolor="white" if low <= 0 <= high else COLOUR,
        ms=size,
        lw=1.1,
        capsize=2.5,
    )
