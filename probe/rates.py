"""How much the learning rate matters, and which one a family is given: steps to the threshold against the rate.

Which rate suits a family is decided on the validation split, and what is reported of it is counted on the held-out
split: the best of several numbers, reported as if it had been the only one, is too good. Other figures pool the rates,
as the paper does with its nine runs.
"""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from backbones.appearance import LINE_STYLES, MARKERS, colour_of, ordered
from probe.first import GROUP
from probe.style import THOUSANDS, count, legend_below, models, panels, sentence, set_title, thresholds
from probe.survival import median_steps, medians, steps_or_censored

DRAWN = [
    "run",
    *GROUP,
    "family",
    "model",
    "threshold",
    "learning_rate",
    "weight_seed",
    "init_seed",
    "data_seed",
    "state",
    "planned_steps",
    "accuracy",
    "validation_accuracy",
    "validation_steps_to_threshold",
]


def with_several_rates(runs: pd.DataFrame) -> pd.DataFrame:
    """Those runs for which the question of the rate arises: others that were asked the same had another."""
    return runs[runs.groupby(GROUP)["learning_rate"].transform("nunique") > 1]


def chosen_rates(runs: pd.DataFrame) -> pd.DataFrame:
    """The rate of each family, chosen on validation, and what its runs did on the held-out split.

    The rate at which the largest share of runs reaches the threshold; of several, the one with the smaller median of
    steps to it (runs that do not reach it are censored), then the one with the higher accuracy at the end, on average
    over runs, then the smaller. All of this on validation: what was counted on the held-out split has no part in it.

    Args:
        runs: the first table of `probe.curves`; what has not been judged yet is passed over.

    Returns:
        A row for each pair, variant, kind of query, length and family: learning_rate (not a number where a run was not
        judged on validation, and no choice can be made), and on the held-out split, at that rate, runs, reached,
        median_steps, median_low and median_high.
    """
    rows = []
    for key, some in runs[runs["step"] > 0].groupby([*GROUP, "family"], sort=False):
        rate = _choice(some)
        row = dict(zip([*GROUP, "family"], key, strict=True)) | {"learning_rate": rate}
        at_it = some[some["learning_rate"] == rate]
        if len(at_it):
            (result,) = (
                medians(at_it.join(steps_or_censored(at_it)), ["family"]).drop(columns="family").to_dict("records")
            )
            row |= result
        rows.append(row)
    columns = [*GROUP, "family", "learning_rate", "runs", "reached", "median_steps", "median_low", "median_high"]
    return pd.DataFrame(rows, columns=columns).astype({"runs": "Int64", "reached": "Int64"})


def _choice(runs: pd.DataFrame) -> float:
    """The rate of these runs of one family, which were asked the same; not a number where one has no validation."""
    if runs["validation_accuracy"].isna().any():
        return np.nan
    ranks = []
    for rate, some in runs.join(steps_or_censored(runs, "validation_")).groupby("learning_rate"):
        found = median_steps(some["steps"], some["censored"])
        ranks.append((-found.reached / len(some), found.median, -some["validation_accuracy"].mean(), float(rate)))
    return min(ranks)[-1]


def learning_rates(runs: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """A panel for each kind of query and length: a mark a run, and a line a family through its median at each rate,
    broken where more than half of the runs never got there. The rate that is chosen has a ring.

    Args:
        runs: of one pair and variant, judged, with several rates.
    """
    by = ["query", "length", "family"]
    chosen = chosen_rates(runs).rename(columns={"learning_rate": "chosen_rate"})[[*by, "chosen_rate"]]
    data = runs[DRAWN].join(steps_or_censored(runs))
    groups = medians(data, [*by, "learning_rate"]).drop(columns=["runs", "reached"])
    data = data.merge(groups, on=[*by, "learning_rate"], how="left").merge(chosen, on=by, how="left")
    data["chosen"] = data["learning_rate"] == data.pop("chosen_rate")
    shown = list(data.groupby(["query", "length"], sort=False))
    lengths = data["length"].nunique()
    columns = lengths if lengths > 1 else len(shown)
    figure, axes = panels(len(shown), columns)
    for number, (axis, ((query, length), panel)) in enumerate(zip(axes, shown, strict=True)):
        _draw(axis, panel, np.sort(data["learning_rate"].unique()))
        axis.set_title(f"{sentence(str(query))}, length {length:.0f}")
        axis.set_ylim(0, data["steps"].max() * 1.1)
        axis.set_ylabel("" if number % columns else f"training steps to {thresholds(runs)}")
    axes[0].plot([], [], "^", mfc="none", mec="0.3", label="not reached by then")
    if chosen["chosen_rate"].notna().any():
        axes[0].plot([], [], "o", mfc="none", mec="0.3", ms=11, label="chosen on validation")
    legend_below(figure, axes)
    seeds = count(len(runs[["weight_seed", "init_seed", "data_seed"]].drop_duplicates()), "seed")
    set_title(
        figure,
        f"What the learning rate changes: steps to {thresholds(runs)} held-out accuracy",
        f"{models(runs)}; {seeds}{_said_of_the_choice(chosen)}",
    )
    return figure, data


def _draw(axis: Axes, panel: pd.DataFrame, rates: np.ndarray) -> None:
    """The families of one panel beside each other at each rate."""
    gap = np.diff(np.log10(rates)).min()
    families = ordered(panel["family"].unique())
    for number, family in enumerate(families):
        colour, marker = colour_of(family), MARKERS.get(family, "D")
        shift = 10 ** (gap * 0.26 * (number - (len(families) - 1) / 2))
        line = []
        for rate, some in panel[panel["family"] == family].sort_values("steps").groupby("learning_rate"):
            beside = rate * shift * 10 ** (gap * np.linspace(-0.07, 0.07, len(some)) * (len(some) > 1))
            reached = ~some["censored"].to_numpy()
            axis.plot(beside[reached], some["steps"][reached], marker, color=colour, ms=4)
            axis.plot(beside[~reached], some["steps"][~reached], "^", mfc="none", mec=colour, ms=6)
            half = some["median_steps"].iloc[0]
            line.append((rate * shift, half if np.isfinite(half) else np.nan))
            if some["chosen"].iloc[0]:
                height = half if np.isfinite(half) else some["steps"].max()
                axis.plot(rate * shift, height, "o", mfc="none", mec=colour, ms=15, mew=1.3, clip_on=False)
        axis.plot(*zip(*line, strict=True), color=colour, lw=1.5, ls=LINE_STYLES.get(family, "-."), zorder=1)
        axis.plot(*zip(*line, strict=True), "_", color=colour, ms=14, mew=1.5, zorder=1)
        axis.plot([], [], marker, color=colour, ls=LINE_STYLES.get(family, "-."), ms=4, label=f"{family}, median")
    axis.set_xscale("log")
    axis.set_xlim(rates[0] * 10 ** (-gap / 2), rates[-1] * 10 ** (gap / 2))
    axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("learning rate")
    axis.yaxis.set_major_formatter(THOUSANDS)
    sns.despine(ax=axis)


def _said_of_the_choice(chosen: pd.DataFrame) -> str:
    """A line more where a family has no choice."""
    known = chosen["chosen_rate"].notna()
    return "" if known.all() else f"\nno rate chosen{' for some' if known.any() else ''}: runs without validation"
