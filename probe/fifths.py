"""In which order positions are learned: when each fifth of the context first passes 50 %, and whether that is more than
chance.

    steps of fifths    one row a run, columns 1 to 5 (first to last fifth of the context): the first evaluated step with
                       accuracy of 50 % and more; infinite where a run never got there

Runs are ranked one by one, so that one that learns slowly counts as much as one that learns fast. Friedman's statistic
(1937) says how far the mean ranks lie apart; its p-value is the share of random shuffles, within runs, that lie as far.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from backbones.appearance import LINE_STYLES, MARKERS, colour_of, ordered
from probe.intervals import wilson
from probe.style import THOUSANDS, count, models, set_title

FIFTHS = 5
HALF = 0.5
SHUFFLES = 20_000


@dataclass(frozen=True)
class OrderOfFifths:
    """What the runs of one family have in common."""

    runs: int
    mean_ranks: list[float]
    """For each fifth, first to last: 1 is learned first, 5 last; ties share their ranks."""
    p_value: float
    """Of no order at all."""
    end_first: int
    """Runs in which the last fifth passed 50 % before the first fifth."""
    beginning_first: int
    """Runs in which it was the other way round; what is left passed both at one evaluation."""


def steps_of_fifths(curves: pd.DataFrame) -> pd.DataFrame:
    """One row for each run in `curves` (a table of `probe.curves`), by its name."""
    length = curves.groupby("run")["length"].transform("first")
    fifth = curves["position"] * FIFTHS // length + 1
    sums = curves.assign(fifth=fifth).groupby(["run", "fifth", "step"])[["asked", "correct"]].sum().reset_index()
    passed = sums[sums["correct"] >= HALF * sums["asked"]]
    steps = passed.groupby(["run", "fifth"])["step"].min().unstack()
    return steps.reindex(index=curves["run"].unique(), columns=range(1, FIFTHS + 1)).astype(float).fillna(np.inf)


def order_of(steps: pd.DataFrame, seed: int = 0) -> OrderOfFifths | None:
    """The order over runs (rows of `steps_of_fifths`). Runs that passed 50 % nowhere say nothing of it and are left
    out; None where all are."""
    steps = steps[np.isfinite(steps).any(axis=1)]
    if steps.empty:
        return None
    ranks = steps.rank(axis=1).to_numpy()
    generator = np.random.default_rng(seed)
    shuffled = generator.permuted(np.broadcast_to(ranks, (SHUFFLES, *ranks.shape)), axis=2)
    as_far = (_spread(shuffled) >= _spread(ranks) - 1e-9).sum()
    beginning, end = steps[1], steps[FIFTHS]
    return OrderOfFifths(
        runs=len(ranks),
        mean_ranks=ranks.mean(axis=0).tolist(),
        p_value=float((as_far + 1) / (SHUFFLES + 1)),
        end_first=int((end < beginning).sum()),
        beginning_first=int((beginning < end).sum()),
    )


def _spread(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of squares of the mean ranks (... x runs x fifths) about their mean: Friedman's statistic but for a factor
    that shuffling within runs leaves alone."""
    means = ranks.mean(axis=-2)
    return np.asarray(((means - means.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1))


def fifths(curves: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """A panel a family: for each fifth of the context, the step at which it first passes 50 %; a thin line a run, a
    thick one their median. Fifths that never passed stand, hollow, at the last step of their run.

    Args:
        curves: of one order and length.
    """
    families = ordered(curves["family"].unique())
    last_step = curves.groupby("run")["step"].max()
    figure, axes = plt.subplots(
        1, len(families), figsize=(1.2 + 3.5 * len(families), 3.8), sharey=True, squeeze=False, layout="constrained"
    )
    tables = []
    for axis, family in zip(axes[0], families, strict=True):
        steps = steps_of_fifths(curves[curves["family"] == family])
        seen = steps.clip(upper=last_step[steps.index].astype(float), axis=0)
        order = order_of(steps)
        colour, marker = colour_of(family), MARKERS.get(family, "D")
        for _, run in seen.iterrows():
            axis.plot(run.index, run, color=colour, lw=0.6, alpha=0.6)
        never = np.isinf(steps)
        axis.plot(*_points(steps.where(~never)), marker, color=colour, ms=4)
        axis.plot(*_points(seen.where(never)), "^", mfc="none", mec=colour, ms=6)
        median = seen.median()
        axis.plot(median.index, median, color=colour, lw=2, ls=LINE_STYLES.get(family, "-."))
        axis.set_title(f"{family} ({count(len(steps), 'run')})" + ("" if order is None else _in_words(order)))
        axis.set_xticks(range(1, FIFTHS + 1), ["first", "second", "third", "fourth", "last"])
        axis.set_xlabel("fifth of the context")
        axis.yaxis.set_major_formatter(THOUSANDS)
        axis.set_ylim(0, last_step.max() * 1.06)
        sns.despine(ax=axis)
        table = seen.rename_axis(columns="fifth").stack().rename("step").reset_index().assign(family=family)
        table["passed"] = ~never.to_numpy().ravel()
        table["mean_rank"] = table["fifth"].map(dict(enumerate(order.mean_ranks, 1))) if order else np.nan
        for column in ("p_value", "end_first", "beginning_first"):
            table[column] = getattr(order, column) if order else np.nan
        tables.append(table)
    axes[0, 0].set_ylabel("training steps to 50%")
    query, length = curves["query"].iloc[0], curves["length"].iloc[0]
    note = "hollow: not by then; thick: median run"
    set_title(
        figure, f"Which part of the context is learned first: {query}, length {length}", f"{models(curves)}; {note}"
    )
    return figure, pd.concat(tables, ignore_index=True)


def _in_words(order: OrderOfFifths) -> str:
    """The p-value, and how many runs learn the end of the context before its beginning, with a 95 % interval."""
    low, high = wilson(order.end_first, order.runs)
    return (
        f", p = {order.p_value:.2g} of no order\n"
        f"end before beginning in {order.end_first} of {order.runs} ({low:.0%} to {high:.0%})"
    )


def _points(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places and values of all that is not missing in a table of runs by fifths."""
    points = table.astype(float).stack().dropna()
    return points.index.get_level_values(1).to_numpy(dtype=float), points.to_numpy()
