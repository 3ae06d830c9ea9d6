"""Which family of a pair reaches the threshold first, over runs that are matched in everything else."""

import pandas as pd

from backbones.pairs import FAMILIES
from probe.intervals import wilson

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
