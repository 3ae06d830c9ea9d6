"""Which family of a pair learns first, over runs that are matched in everything else, and what they do not match in."""

from numbers import Real

import pandas as pd

from backbones.pairs import FAMILIES
from probe.intervals import wilson
from probe.settings import FACTS

GROUP = ["pair", "variant", "query", "length"]
MATCHED = [*GROUP, "threshold", "planned_steps", "learning_rate", "weight_seed", "init_seed", "data_seed"]


def first_to_learn(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each pair, variant, kind of query and length of which both families have finished runs.

    Args:
        runs: the first table of `probe.curves`.

    Returns:
        matched: pairs of finished runs that differ in the family alone.
        pythia, mamba: how many of them that family was first in; the other got there later, or never.
        share, low, high: of these, pythia's share, with its 95 % Wilson interval.
    """
    finished = runs[runs["state"] == "finished"]
    steps = finished.assign(steps=finished["steps_to_threshold"].fillna(float("inf")))
    table = steps.pivot_table(index=MATCHED, columns="family", values="steps").reindex(columns=list(FAMILIES)).dropna()
    pythia, mamba = (table[family] for family in FAMILIES)
    first = pd.DataFrame({"matched": True, "pythia": pythia < mamba, "mamba": mamba < pythia})
    counts = first.groupby(level=GROUP).sum().reset_index()
    decided = counts["pythia"] + counts["mamba"]
    counts["share"] = counts["pythia"] / decided
    counts["low"], counts["high"] = wilson(counts["pythia"], decided)
    return counts


def who_is_first(runs: pd.DataFrame) -> list[str]:
    """A line for each pair, kind of query and length: the share of matched runs in which pythia learns first."""
    lines = []
    for row in first_to_learn(runs).itertuples():
        decided = row.pythia + row.mamba
        what = f"{row.pair}, {row.variant + ', ' if row.variant else ''}{row.query}, length {row.length}"
        lines.append(
            f"First to learn, pair {what}: pythia in {row.pythia} of {decided} (95% interval {row.low:.0%} to "
            f"{row.high:.0%}), mamba in {row.mamba}; {row.matched - decided} undecided."
        )
    return lines


def unequal_facts(runs: pd.DataFrame) -> list[str]:
    """What a matched pair does not match in: a line for each pair and length, where both families have run."""
    lines = []
    for (pair, variant, length), some in runs.dropna(subset=["parameters"]).groupby(["pair", "variant", "length"]):
        facts = some.groupby("family")[FACTS].first()
        if not set(FAMILIES) <= set(facts.index):
            continue
        pythia, mamba = (facts.loc[family] for family in FAMILIES)
        unequal = [
            f"{fact.replace('_', ' ')} {_plain(pythia[fact])} and {_plain(mamba[fact])}"
            for fact in FACTS
            if facts[fact].notna().all() and pythia[fact] != mamba[fact]
        ]
        difference = mamba["parameters"] / pythia["parameters"] - 1
        lines.append(
            f"Not equal in pair {pair}, {variant + ', ' if variant else ''}length {length} ({' and '.join(FAMILIES)}): "
            f"{'; '.join(unequal) or 'nothing'} (mamba has {difference:+.1%} parameters)."
        )
    return lines


def _plain(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, Real) and not isinstance(value, bool) else str(value)
