"""One figure of a comparison: a panel a benchmark, a point with its 95 % interval for each family and order, and the
best constant answers as lines. Saved as PNG and PDF, with a CSV of all results beside them.

Families look as they do in the figures of `probe`, and differ in marker and lightness as well, for grey prints.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from backbones.appearance import MARKERS, colour_of
from training.run import require_folder
from vlm.evaluate.results import headlines, whole
from vlm.evaluate.table import CONSTANT, CONSTANT_BY_KIND

FLOORS = {CONSTANT: "--", CONSTANT_BY_KIND: ":"}
COLUMNS = 3


def draw_results(scores: pd.DataFrame, out: Path, name: str = "benchmarks", title: str = "") -> list[Path]:
    """Draws the whole benchmarks of a table of `table.scores`.

    Args:
        out: folder; made where it is missing.
        name: of the files, without an ending.
        title: what was compared, such as the pair and the steps.

    Returns:
        The files written.

    Raises:
        ConfigError: `out` cannot be written to. Nothing has been written then.
    """
    paths = save_figure(lambda: _figure(headlines(whole(scores)), title), out, name)
    scores.to_csv(out / f"{name}.csv", index=False)
    return [*paths, out / f"{name}.csv"]


def save_figure(draw: Callable[[], Figure], out: Path, name: str, **cut: Any) -> list[Path]:
    """Draws in the style of all figures here, and writes PNG and PDF.

    Args:
        out: folder; made where it is missing.
        name: of the files, without an ending.
        cut: how much of the figure is written, as matplotlib takes it.

    Raises:
        ConfigError: `out` cannot be written to. Nothing has been written then.
    """
    require_folder(out, "the figure")
    out.mkdir(parents=True, exist_ok=True)
    png, pdf = (out / f"{name}.{ending}" for ending in ("png", "pdf"))
    with sns.axes_style("ticks"), plt.rc_context({"font.size": 9, "axes.titlesize": 9.5, "pdf.fonttype": 42}):
        figure = draw()
        figure.savefig(png, dpi=200, **cut)
        figure.savefig(pdf, metadata={"CreationDate": None}, **cut)
        plt.close(figure)
    return [png, pdf]


def _figure(scores: pd.DataFrame, title: str) -> Figure:
    benchmarks = list(scores["benchmark"].unique())
    columns = min(COLUMNS, len(benchmarks))
    rows = -(-len(benchmarks) // columns)
    size = (max(1.0 + 2.6 * columns, 4.5), 1.2 + 2.2 * rows)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for unused in grid.flat[len(benchmarks) :]:
        unused.set_axis_off()
    for axis, benchmark in zip(grid.flat, benchmarks, strict=False):
        _panel(axis, scores[scores["benchmark"] == benchmark])
    entries = {
        label: handle for axis in grid.flat for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    figure.suptitle(
        "\n".join(filter(None, ("Scores, with 95% bootstrap intervals over pictures", title))), fontsize=9.5
    )
    return figure


def _panel(axis: Axes, some: pd.DataFrame) -> None:
    """One benchmark: orders side by side, those of each pair together, and in each the families."""
    models = some[~some["family"].isin(FLOORS)]
    models = models.assign(place=(models["pair"] + "\n" + models["order"]).str.strip())
    orders, families = list(models["place"].unique()), list(models["family"].unique())
    for floor in some[some["family"].isin(FLOORS)].itertuples():
        axis.axhline(100 * floor.score, color="0.45", lw=1, ls=FLOORS[floor.family], label=floor.family, zorder=0)
    for number, family in enumerate(families):
        own = models[models["family"] == family]
        places = [orders.index(order) + (number - (len(families) - 1) / 2) * 0.24 for order in own["place"]]
        # A mean can lie a rounding outside of an interval that has no width.
        reach = [100 * (own["score"] - own["low"]).clip(0), 100 * (own["high"] - own["score"]).clip(0)]
        colour = colour_of(family)
        axis.errorbar(
            places,
            100 * own["score"],
            yerr=reach,
            fmt=MARKERS.get(family, "D"),
            color=colour,
            label=family,
            ms=5,
            lw=1.1,
            capsize=2.5,
        )
    axis.set_xticks(range(len(orders)), orders)
    axis.set_xlim(-0.5, len(orders) - 0.5)
    metric = some["metric"].iloc[0]
    axis.set_ylim(0, None if metric == "CIDEr" else 104)
    axis.set_ylabel("CIDEr" if metric == "CIDEr" else f"{metric} (%)")
    axis.set_title(some["benchmark"].iloc[0])
    sns.despine(ax=axis)
