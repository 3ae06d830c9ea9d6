"""How every figure looks, and the words on it. How a family looks is in `backbones.appearance`."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from backbones.pairs import SCRATCH

QUERY_STYLES: dict[str, tuple[str, object]] = {
    "suffix": ("#14395b", "-"),
    "prefix": ("#b2182b", (0, (5, 1.5))),
    "prefix, asked from the target on": ("#f4a582", (0, (1, 1))),
}

THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


def draw_spread(axis: Axes, some: pd.DataFrame, label: str, colour: str, style: object) -> None:
    """Runs as thin lines, their median as a thick one, and a band between the lowest and the highest."""
    table = some.pivot_table(index="step", columns="run", values="accuracy")
    axis.plot(table.index, table, color=colour, lw=0.5, alpha=0.45)
    axis.fill_between(table.index, table.min(axis=1), table.max(axis=1), color=colour, alpha=0.12, lw=0)
    axis.plot(table.index, table.median(axis=1), color=colour, lw=1.9, ls=style, label=label)


def draw_interval(axis: Axes, x: float, low: float, high: float, seen: float, colour: str) -> None:
    """A thin upright line from `low` to `high`; nothing where `low` is not a number. One without an upper end has an
    arrow there, a little above the largest value that was seen."""
    if np.isnan(low):
        return
    axis.vlines(x, low, high if np.isfinite(high) else seen, color=colour, lw=0.8, zorder=1)
    if not np.isfinite(high):
        arrow = {"arrowstyle": "<|-", "color": colour, "lw": 0.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
        axis.annotate("", (x, seen), (0, 14), textcoords="offset points", arrowprops=arrow, zorder=1)


def draw_reference_lines(axis: Axes, runs: pd.DataFrame) -> None:
    """The threshold and the accuracy of a guess, named beside the panel, where no curve can run into the words.

    Args:
        runs: of one length; only what was asked of them is read.
    """
    chance = 1 / runs["length"].iloc[0]
    lines = [(value, f"{value:.0%}", "--") for value in runs["threshold"].unique()]
    for value, name, style in (*lines, (chance, f"chance\n{chance:.1%}", ":")):
        axis.axhline(value, color="0.5", lw=0.8, ls=style)
        place = axis.get_yaxis_transform()
        axis.text(1.01, value, name, ha="left", va="center", fontsize=6.5, color="0.35", transform=place)


def accuracy_axis(axis: Axes) -> None:
    axis.set_ylim(0, 1.04)
    axis.set_yticks(np.linspace(0, 1, 5))
    axis.yaxis.set_major_formatter(PercentFormatter(1.0))
    axis.xaxis.set_major_formatter(THOUSANDS)
    axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    sns.despine(ax=axis)


def panels(number: int, columns: int, width: float = 3.1) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, row by row, that share their axes."""
    rows = -(-number // columns)
    size = (max(1.0 + width * columns, 5.5), 1.3 + 2.3 * rows)
    figure, grid = plt.subplots(
        rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for unused in grid.flat[number:]:
        unused.set_axis_off()
    for row in grid:
        row[0].set_ylabel("held-out accuracy")
    for axis in grid.flat:
        axis.tick_params(labelbottom=True)  # the panel beneath may be missing
    return figure, list(grid.flat[:number])


def legend_below(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend under all panels, an entry a label; a narrow figure holds three side by side."""
    entries = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    columns = 4 if figure.get_figwidth() > 6 else 3
    figure.legend(
        entries.values(), entries.keys(), loc="outside lower center", ncols=columns, fontsize=8, frameon=False
    )


def set_title(figure: Figure, text: str, setting: str) -> None:
    """What is drawn, and beneath it what it was drawn from, on a line of its own: settings can be long."""
    figure.suptitle(f"{text}\n{setting}", fontsize=9.5)


def setting(runs: pd.DataFrame) -> str:
    """Which models, and how they were trained, as far as a figure's reader has to know."""
    seeds = runs[["weight_seed", "init_seed", "data_seed"]].drop_duplicates()
    return f"{models(runs)}; {rates(runs)}; {count(len(seeds), 'seed')}"


def rates(runs: pd.DataFrame) -> str:
    """`lr 0.001`, or several of them."""
    return f"lr {', '.join(f'{rate:g}' for rate in sorted(runs['learning_rate'].unique()))}"


def thresholds(runs: pd.DataFrame) -> str:
    """`95%`, or several of them."""
    return ", ".join(f"{threshold:.0%}" for threshold in sorted(runs["threshold"].unique()))


def models(runs: pd.DataFrame) -> str:
    """`pair tiny from scratch`, or the names of models that belong to none; and what sets these runs apart from
    others."""
    pair, variant = runs["pair"].iloc[0], runs["variant"].iloc[0]
    names = ", ".join(sorted({"/".join(name.split("/")[-2:]) for name in runs["model"]}))
    said = names if pair == "pretrained" else f"pair {pair}{' from scratch' if pair in SCRATCH else ''}"
    return said + (f", {variant}" if variant else "")


def count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
