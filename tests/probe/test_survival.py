"""Medians of steps of which some are only known to be larger: against textbooks, by hand, and what must always hold."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.survival import median_steps, medians, steps_or_censored

# Freireich et al. (1963), the worked example of most textbooks: weeks in remission, + where it lasted to the end.
TREATED = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"


def read(text):
    words = text.split()
    return [float(word.rstrip("+")) for word in words], [word.endswith("+") for word in words]


@pytest.mark.parametrize(
    ("text", "reached", "median", "low", "high"),
    # The medians 23 and 8 are in every textbook; the intervals are those of the log-log transform.
    [(TREATED, 9, 23, 13, math.inf), (PLACEBO, 21, 8, 4, 11)],
)
def test_a_textbook_s_example_has_its_median_and_interval(text, reached, median, low, high):
    found = median_steps(*read(text))
    assert (found.runs, found.reached) == (21, reached)
    assert (found.median, found.low, found.high) == (median, low, high)


def test_a_small_example_comes_out_as_by_hand():
    # Three runs arrive, at 100, 300 and 400; two are lost, at 200 and 500. On their way: 4/5, then of three left
    # 4/5 x 2/3 = 8/15, then of two left 8/15 x 1/2 = 4/15, which is the first at most one half.
    found = median_steps([100, 200, 300, 400, 500], [False, True, False, False, True])
    assert (found.runs, found.reached, found.median) == (5, 3, 400)
    # Greenwood's sums are 1/20, + 1/6, + 1/2, and the band is exp(-exp(log(-log S) +- 1.96 sqrt(sum) / |log S|)): at
    # 100 from 0.20 to 0.97, which one half lies in, and at 400 still up to 0.69.
    greenwood, share = np.array([1 / 20, 1 / 20 + 1 / 6 + 1 / 2]), np.array([4 / 5, 4 / 15])
    widths = 1.96 * np.sqrt(greenwood) / np.abs(np.log(share))
    lows, highs = (np.exp(-np.exp(np.log(-np.log(share)) + sign * widths)) for sign in (1, -1))
    assert np.round([lows[0], highs[0], highs[1]], 2).tolist() == [0.20, 0.97, 0.69]
    assert (found.low, found.high) == (100, math.inf)


steps = st.lists(st.integers(1, 60), min_size=1, max_size=12)


@given(steps)
def test_without_censoring_the_median_is_the_ordinary_one(values):
    found = median_steps(values, [False] * len(values))
    assert found.median == sorted(values)[(len(values) - 1) // 2]
    if len(values) % 2:
        assert found.median == np.median(values)


@given(steps, st.data())
def test_an_interval_holds_its_median_and_runs_that_never_arrive_only_raise_it(values, data):
    lost = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    found = median_steps(values, lost)
    assert found.median in {*values, math.inf} and found.reached == lost.count(False)
    assert math.isnan(found.low) or found.low <= found.median <= found.high
    later = median_steps([*values, max(values)], [*lost, True])
    assert later.median >= found.median


@given(steps.filter(lambda values: len(values) > 1), st.integers(2, 1000))
def test_it_does_not_matter_in_what_steps_are_counted(values, factor):
    lost = [False] * len(values)
    once, scaled = median_steps(values, lost), median_steps([value * factor for value in values], lost)
    expected = [once.median * factor, once.low * factor, once.high * factor]
    assert [scaled.median, scaled.low, scaled.high] == pytest.approx(expected, nan_ok=True)


def test_a_run_that_arrives_where_another_is_lost_arrives_first():
    assert median_steps([6000, 6000], [False, True]).median == 6000


def test_what_was_not_seen_is_not_said():
    never = median_steps([6000] * 4, [True] * 4)
    assert never.median == never.high == math.inf and math.isnan(never.low) and never.reached == 0
    most = median_steps([100, 6000, 6000], [False, True, True])
    assert most.median == math.inf
    one = median_steps([100], [False])
    assert one.median == 100 and math.isnan(one.low) and one.high == math.inf


@pytest.mark.parametrize(("runs", "bounded"), [(6, False), (7, True)])
def test_seven_runs_bound_their_median_from_above_and_six_do_not(runs, bounded):
    assert math.isfinite(median_steps(range(1, runs + 1), [False] * runs).high) == bounded


def test_a_run_is_censored_where_it_is_and_a_finished_one_at_all_of_its_steps():
    states = ["finished", "finished", "running", "interrupted", "finished"]
    runs = pd.DataFrame({"state": states, "step": [300, 390, 200, 150, 100], "planned_steps": 400})
    runs["steps_to_threshold"] = [300, np.nan, np.nan, np.nan, 100]
    runs["validation_steps_to_threshold"] = [200, np.nan, 100, np.nan, np.nan]
    held_out = steps_or_censored(runs)
    assert held_out["steps"].tolist() == [300, 400, 200, 150, 100]
    assert held_out["censored"].tolist() == [False, True, True, True, False]
    validation = steps_or_censored(runs, "validation_")
    assert validation["steps"].tolist() == [200, 400, 100, 150, 100], "the last stopped there, short of it here"
    assert validation["censored"].tolist() == [False, True, False, True, True]


def test_groups_have_medians_of_their_own():
    runs = pd.DataFrame({"family": ["mamba"] * 3 + ["pythia"], "steps": [1, 2, 3, 9.0], "censored": [False] * 4})
    table = medians(runs, ["family"]).set_index("family")
    assert table["median_steps"].to_dict() == {"mamba": 2, "pythia": 9}
    assert table["runs"].to_dict() == table["reached"].to_dict() == {"mamba": 3, "pythia": 1}
