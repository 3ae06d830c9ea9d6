"""Which family learns first: runs are compared where they differ in the family alone."""

import numpy as np
import pandas as pd
import pytest

from probe.first import MATCHED, first_to_learn, who_is_first


def table(rows):
    """Runs of one pair: family, seed, steps to the threshold, and what else is not as in the others."""
    settings = dict.fromkeys(MATCHED, 0) | {"pair": "tiny", "variant": "", "query": "suffix", "length": 16}
    return pd.DataFrame(
        [
            settings | {"state": "finished", "family": family, "data_seed": seed, "steps_to_threshold": steps} | rest
            for family, seed, steps, rest in rows
        ]
    )


def test_runs_are_matched_by_their_seeds_and_one_that_never_learns_is_later_than_any():
    runs = table(
        [
            *[("pythia", seed, steps, {}) for seed, steps in enumerate([100, 100, 500, np.nan, 300, 50])],
            *[("mamba", seed, steps, {}) for seed, steps in enumerate([200, np.nan, 400, np.nan, 300])],
        ]
    )
    (row,) = first_to_learn(runs).itertuples()
    assert (row.matched, row.pythia, row.mamba) == (5, 2, 1)
    assert row.share == pytest.approx(2 / 3) and 0 < row.low < 2 / 3 < row.high < 1
    (line,) = who_is_first(runs)
    assert "tiny, suffix, length 16: pythia in 2 of 3" in line and "2 undecided" in line


def test_another_rate_another_order_and_a_run_on_its_way_are_no_match():
    runs = table(
        [
            ("pythia", 0, 100, {}),
            ("mamba", 0, 200, {"learning_rate": 1}),
            ("mamba", 0, 200, {"query": "prefix"}),
            ("mamba", 0, 200, {"state": "running"}),
        ]
    )
    assert first_to_learn(runs).empty and who_is_first(runs) == []


def test_each_pair_order_and_length_is_counted_by_itself():
    apart = ({}, {"query": "prefix"}, {"length": 8}, {"pair": "small"})
    runs = table([(family, 0, steps, rest) for rest in apart for family, steps in (("pythia", 9), ("mamba", 8))])
    counts = first_to_learn(runs)
    assert len(counts) == 4 and (counts["mamba"] == 1).all() and (counts["pythia"] == 0).all()
