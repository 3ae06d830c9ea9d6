"""Overall accuracy over training, set side by side three ways. Runs are thin lines, their median a thick one, and a
band goes from the lowest to the highest.

learning_curves     family against family: a panel for each kind of query and length
orders              the query after the context against the query before it: a panel a family
pairs               pair against pair, such as from scratch and pretrained: a row a pair, a column a kind of query
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from backbones.appearance import LINE_STYLES, colour_of, ordered
from backbones.pairs import SHIPPED
from probe.curves import carried_to_the_end, overall
from probe.style import (
    QUERY_STYLES,
    accuracy_axis,
    draw_reference_lines,
    draw_spread,
    legend_below,
    models,
    panels,
    rates,
    sentence,
    set_title,
    setting,
)

SPREAD = "thick: median run, band: lowest to highest"


def learning_curves(runs: pd.DataFrame, curves: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """A panel for each kind of query and length, in it a curve for each family."""
    data = carried_to_the_end(overall(curves), ["query", "length", "family"])
    shown = list(data.groupby(["query", "length"], sort=False))
    # A row for each kind of query, a column for each length; a single length is a row.
    lengths = data["length"].nunique()
    figure, axes = panels(len(shown), lengths if lengths > 1 else len(shown))
    for axis, ((query, length), panel) in zip(axes, shown, strict=True):
        _draw_families(axis, panel)
        axis.set_title(f"{sentence(str(query))}, length {length:.0f}")
    legend_below(figure, axes)
    set_title(figure, "How fast each family learns to retrieve", f"{setting(runs)}; {SPREAD}")
    return figure, data


def orders(runs: pd.DataFrame, curves: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The same runs as in `learning_curves`, of one length, the other way round: a panel a family, and in it the query
    after the context against the query before it."""
    data = carried_to_the_end(overall(curves), ["query", "family"])
    families = ordered(data["family"].unique())
    length = int(curves["length"].iloc[0])
    figure, axes = panels(len(families), len(families))
    for axis, family in zip(axes, families, strict=True):
        draw_reference_lines(axis, data)
        for query, some in data[data["family"] == family].groupby("query", sort=False):
            colour, style = QUERY_STYLES[str(query)]
            draw_spread(axis, some, str(query), colour, style)
        axis.set_title(family)
        accuracy_axis(axis)
        axis.set_xlabel("training steps")
    legend_below(figure, axes)
    set_title(figure, f"The query after the context, or before it: length {length}", f"{setting(runs)}; {SPREAD}")
    return figure, data


def pairs(curves: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The learning curves of several pairs, or of variants of one, in one figure.

    Args:
        curves: of one length.
    """
    by = ["pair", "variant"]
    data = carried_to_the_end(overall(curves), [*by, "query", "family"])
    rows, queries = list(data.groupby(by, sort=False)), list(data["query"].unique())
    figure, axes = panels(len(rows) * len(queries), len(queries))
    for number, (_, row) in enumerate(rows):
        for axis, query in zip(axes[number * len(queries) :], queries, strict=False):
            panel = row[row["query"] == query]
            if panel.empty:
                axis.set_axis_off()
                continue
            _draw_families(axis, panel)
            axis.set_title(f"{sentence(str(query))}: {models(panel)}", fontsize=8.5)
    legend_below(figure, axes)
    names = set(data["pair"])
    is_before_and_after = any(names == {pair, before} for pair, before in SHIPPED.items())
    what = "What pretraining changes" if is_before_and_after else "Pair against pair"
    set_title(figure, f"{what}: length {int(data['length'].iloc[0])}", f"{rates(data)}; {SPREAD}")
    return figure, data


def _draw_families(axis: Axes, panel: pd.DataFrame) -> None:
    draw_reference_lines(axis, panel)
    for family in ordered(panel["family"].unique()):
        some = panel[panel["family"] == family]
        draw_spread(axis, some, family, colour_of(family), LINE_STYLES.get(family, "-."))
    accuracy_axis(axis)
    axis.set_xlabel("training steps")
