"""The figures, from the tables of `probe.curves` alone. Each is saved as PNG and PDF, with a CSV of what is drawn.

learning_curves     held-out accuracy over training, family against family (drawn in `probe.overall`)
positions           accuracy by target position over training (the paper's Figures 7 and 12)
fifths              which fifth of the context is learned first (drawn in `probe.fifths`)
sample_efficiency   steps to the threshold by length, runs that never reach it included (Figure 6)
learning_rates      steps to the threshold by learning rate, where there are several, and which is chosen on validation
                    (drawn in `probe.rates`); chosen_rates.csv has what the runs of that rate did on the held-out split
orders              the query after the context against the query before it (drawn in `probe.overall`)
pairs               pair against pair, such as from scratch and pretrained (drawn in `probe.overall`)
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from backbones.appearance import MARKERS, colour_of, ordered
from backbones.pairs import PRETRAINED, SCRATCH
from probe.curves import carried_to_the_end, load_runs
from probe.fifths import FIFTHS, fifths
from probe.intervals import pooled, wilson
from probe.overall import learning_curves, orders, pairs
from probe.rates import chosen_rates, learning_rates, with_several_rates
from probe.style import (
    QUERY_STYLES,
    THOUSANDS,
    accuracy_axis,
    count,
    draw_interval,
    legend_below,
    models,
    panels,
    sentence,
    set_title,
    setting,
    thresholds,
)
from probe.survival import medians, steps_or_censored
from training.config import require
from training.run import require_folder

SHARES_OF_LEARNING = (0.25, 0.5, 0.75, 0.95)
"""The position lines are drawn where a family's accuracy first passes these, unless steps are given."""


def draw_all(runs_folder: Path, out: Path, steps: Sequence[int] | None = None) -> list[Path]:
    """Draws every figure that the runs below a folder allow.

    Args:
        steps: where to draw the position lines; None for the steps of 25, 50, 75 and 95 % accuracy.

    Returns:
        The files written.

    Raises:
        ConfigError: there are no runs, or none has been judged yet. Nothing has been written then.
    """
    runs, curves = (_in_order(table) for table in load_runs(runs_folder))
    require(len(curves) > 0, f"no run below {runs_folder} has been judged yet: wait for the first evaluation.")
    require_folder(out, "the figures")
    out.mkdir(parents=True, exist_ok=True)
    written = []
    with sns.axes_style("ticks"), plt.rc_context({"font.size": 9, "axes.titlesize": 9.5, "pdf.fonttype": 42}):
        for name, figure, data in _figures(runs, curves, steps):
            written += _saved(figure, out / name)
            data.to_csv(out / f"{name}.csv", index=False)
            written.append(out / f"{name}.csv")
    return written


def _saved(figure: Figure | None, path: Path) -> list[Path]:
    """Saves and closes a figure, where there is one beside the table; without a date in it, so that the same data make
    the same file."""
    if figure is None:
        return []
    figure.savefig(path.with_name(f"{path.name}.png"), dpi=200)
    figure.savefig(path.with_name(f"{path.name}.pdf"), dpi=200, metadata={"CreationDate": None})
    plt.close(figure)
    return [path.with_name(f"{path.name}.{ending}") for ending in ("png", "pdf")]


def _figures(
    runs: pd.DataFrame, curves: pd.DataFrame, steps: Sequence[int] | None
) -> Iterator[tuple[str, Figure | None, pd.DataFrame]]:
    """Name, figure and data of each; a table that stands alone has no figure. Pairs, and variants of a pair, are never
    drawn into one panel: each has figures of its own, named after it, and a figure for each length sets them side by
    side."""
    apart = [column for column in ("pair", "variant") if curves[column].nunique() > 1]
    if apart:
        for value, some in curves.groupby(apart, sort=False):
            name = re.sub(r"[^\w.]+", "_", " ".join((*value, "")).lstrip())
            own = _figures(runs[runs["run"].isin(some["run"])], some, steps)
            yield from ((name + kind, figure, data) for kind, figure, data in own)
        for length, some in curves.groupby("length"):
            if len(some[apart].drop_duplicates()) > 1:
                yield f"pairs_{length}", *pairs(some)
        return
    runs = runs[runs["run"].isin(curves["run"])]
    yield "learning_curves", *learning_curves(runs, curves)
    for (query, length), some in curves.groupby(["query", "length"], sort=False):
        name = f"positions_{str(query).replace(', asked ', '_').replace(' ', '_')}_{length}"
        yield name, *positions(some, steps)
        if length >= FIFTHS:
            yield name.replace("positions", "fifths"), *fifths(some)
    yield "sample_efficiency", *sample_efficiency(runs)
    swept = with_several_rates(runs)
    if len(swept):
        yield "learning_rates", *learning_rates(swept)
        yield "chosen_rates", None, chosen_rates(swept)
    for length, some in curves.groupby("length"):
        if some["query"].nunique() > 1:
            yield f"orders_{length}", *orders(runs[runs["length"] == length], some)


def positions(curves: pd.DataFrame, steps: Sequence[int] | None = None) -> tuple[Figure, pd.DataFrame]:
    """Accuracy by target position over training, the families side by side: above, all evaluations as a heat map;
    below, lines at chosen steps. Runs of a family are pooled, each with the same weight, and the bands are 95 % Wilson
    intervals of the examples they were asked: they hold no spread over runs, which `learning_curves` shows.

    Args:
        curves: of one order and length.
    """
    carried = carried_to_the_end(curves, ["family"])
    groups = carried.groupby(["family", "step", "position"])
    data = groups.size().index.to_frame(index=False)
    correct, asked = pooled(carried["correct"], carried["asked"], groups.ngroup())
    data = data.assign(asked=asked, correct=correct)
    data["accuracy"] = data["correct"] / data["asked"]
    data["low"], data["high"] = wilson(data["correct"], data["asked"])
    families = ordered(data["family"].unique())
    length, query = int(curves["length"].iloc[0]), str(curves["query"].iloc[0])
    figure, grid = plt.subplots(
        2, len(families), figsize=(1.2 + 3.4 * len(families), 5.6), sharey="row", squeeze=False, layout="constrained"
    )
    data["line"] = False
    image = None
    for column, family in enumerate(families):
        some = data[data["family"] == family]
        table = some.pivot(index="position", columns="step", values="accuracy")
        above, below = grid[0, column], grid[1, column]
        image = above.pcolormesh(
            _edges(table.columns.to_numpy(dtype=float)),
            np.arange(length + 1) - 0.5,
            table,
            vmin=0,
            vmax=1,
            cmap="cividis",
        )
        above.set_title(f"{family} ({count(curves[curves['family'] == family]['run'].nunique(), 'run')})")
        above.set_xlabel("training steps")
        above.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        above.xaxis.set_major_formatter(THOUSANDS)
        chosen = _line_steps(some, steps)
        data.loc[some.index[some["step"].isin(chosen)], "line"] = True
        shades = sns.color_palette("cividis", len(chosen) + 1)[: len(chosen)]
        for step, shade, marker in zip(chosen, shades, "osD^vPX*" * len(chosen), strict=False):
            line = some[some["step"] == step].sort_values("position")
            share = line["correct"].sum() / line["asked"].sum()
            label = f"step {step:,} ({share:.0%} overall)"
            below.fill_between(line["position"], line["low"], line["high"], color=shade, alpha=0.2, lw=0)
            below.plot(
                line["position"], line["accuracy"], color=shade, marker=marker, ms=3, lw=1.2, label=label, clip_on=False
            )
        accuracy_axis(below)
        below.axhline(1 / length, color="0.6", lw=0.8, ls=":")
        below.set_xlabel("target position (0 is the first)")
        below.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        below.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.24), frameon=False)
        sns.despine(ax=below)
    grid[0, 0].set_ylabel("target position")
    grid[0, 0].yaxis.set_major_locator(MaxNLocator(6, integer=True))
    grid[1, 0].set_ylabel("held-out accuracy")
    assert image is not None
    bar = figure.colorbar(image, ax=grid[0, :], format=PercentFormatter(1.0), pad=0.02)
    bar.set_label("held-out accuracy")
    band = "bands: 95% intervals over examples, runs pooled"
    set_title(figure, f"Which positions are learned when: {query}, length {length}", f"{models(curves)}; {band}")
    # Where all runs were asked the same, these are sums, and written as what they are: whole numbers.
    return figure, data.assign(**{name: pd.to_numeric(data[name], downcast="integer") for name in ("asked", "correct")})


def sample_efficiency(runs: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Steps to the threshold by length: a mark a run, a bar at the family's median by Kaplan and Meier, and a thin line
    over its 95 % interval. A run that has not reached it stands, hollow, at the step it got to: the value is at least
    that, and as such it enters the median."""
    # Without how long it took, the same runs draw the same files; nor is what was asked on validation drawn.
    data = runs.drop(columns=["seconds", "validation_accuracy", "validation_steps_to_threshold"])
    data = data.join(steps_or_censored(runs)[["censored", "steps"]])
    data["share_of_training"] = data["steps"] / data["planned_steps"]
    groups = medians(data, ["query", "length", "family"]).drop(columns=["runs", "reached"])
    data = data.merge(groups, on=["query", "length", "family"], how="left")
    queries, lengths = list(data["query"].unique()), sorted(data["length"].unique())
    figure, axes = panels(len(queries), len(queries), width=max(2.6, 1.2 * len(lengths)))
    for axis, query in zip(axes, queries, strict=True):
        panel = data[data["query"] == query]
        families = ordered(panel["family"].unique())
        for number, family in enumerate(families):
            offset = (number - (len(families) - 1) / 2) * 0.36
            for place, length in enumerate(lengths):
                some = panel[(panel["family"] == family) & (panel["length"] == length)].sort_values("steps")
                if some.empty:
                    continue
                x = place + offset + np.linspace(-0.1, 0.1, len(some)) * (len(some) > 1)
                colour, marker = colour_of(family), MARKERS.get(family, "D")
                reached = ~some["censored"].to_numpy()
                axis.plot(x[reached], some["steps"][reached], marker, color=colour, ms=5)
                axis.plot(x[~reached], some["steps"][~reached], "^", mfc="none", mec=colour, ms=7, mew=1.4)
                half, low, high = some[["median_steps", "median_low", "median_high"]].iloc[0]
                if np.isfinite(half):
                    axis.hlines(half, place + offset - 0.15, place + offset + 0.15, color=colour, lw=2)
                    draw_interval(axis, place + offset, low, high, some["steps"].max(), colour)
            axis.plot([], [], MARKERS.get(family, "D"), color=colour_of(family), label=family)
        axis.plot([], [], "^", mfc="none", mec="0.3", label="not reached by then")
        axis.plot([], [], color="0.3", lw=2, label="median")
        axis.plot([], [], color="0.3", lw=0.8, label="its 95% interval (arrow: open)")
        axis.set_xticks(range(len(lengths)), [str(length) for length in lengths])
        axis.set_xlim(-0.5, len(lengths) - 0.5)
        axis.set_xlabel("length (special tokens in the context)")
        axis.set_title(f"{sentence(str(query))}, to {thresholds(panel)}")
        axis.set_ylim(0, data["steps"].max() * 1.08)
        axis.yaxis.set_major_formatter(THOUSANDS)
        sns.despine(ax=axis)
    axes[0].set_ylabel("training steps to the threshold")
    if data["planned_steps"].nunique() == 1:
        planned = int(data["planned_steps"].iloc[0])
        scale = (lambda steps: np.asarray(steps) / planned, lambda share: np.asarray(share) * planned)
        share = axes[-1].secondary_yaxis("right", functions=scale)
        share.yaxis.set_major_formatter(PercentFormatter(1.0))
        share.set_ylabel(f"share of {planned:,} planned steps")
    legend_below(figure, axes)
    set_title(figure, f"Training needed for {thresholds(runs)} held-out accuracy", setting(runs))
    return figure, data


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The table in the order of figures: pairs as `backbones.pairs` names them, kinds of query, lengths."""
    ranks = {
        "pair": {pair: rank for rank, pair in enumerate((*SCRATCH, *PRETRAINED))},
        "query": {query: rank for rank, query in enumerate(QUERY_STYLES)},
    }
    columns = ["pair", "variant", "query", "length"]
    return table.sort_values(columns, key=lambda c: c.map(ranks[c.name]) if c.name in ranks else c, kind="stable")


def _edges(steps: np.ndarray) -> np.ndarray:
    """Edges of heat map cells, each ending at the step it was judged at."""
    first = steps[0] - (steps[1] - steps[0] if len(steps) > 1 else steps[0])
    return np.concatenate([[max(first, 0)], steps])


def _line_steps(some: pd.DataFrame, steps: Sequence[int] | None) -> list[int]:
    """Evaluated steps to draw lines at: those nearest to the steps asked for, or those of SHARES_OF_LEARNING and the
    last one."""
    known = np.sort(some["step"].unique())
    if steps is not None:
        return sorted({int(known[np.abs(known - step).argmin()]) for step in steps})
    sums = some.groupby("step")[["correct", "asked"]].sum()
    accuracy = sums["correct"] / sums["asked"]
    reached = [accuracy.index[accuracy >= share] for share in SHARES_OF_LEARNING]
    return sorted({int(steps_[0]) for steps_ in reached if len(steps_)} | {int(known[-1])})
