"""Intervals of shares against what is published of them, and runs that are put together with equal weights."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.intervals import pooled, wilson


@pytest.mark.parametrize(
    ("correct", "asked", "low", "high"),
    # Newcombe (1998), Table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_equal_published_ones(correct, asked, low, high):
    assert np.round(np.array(wilson(correct, asked)), 4).tolist() == [low, high]


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_an_interval_holds_its_share_and_stays_between_0_and_1(a, b):
    correct, asked = min(a, b), max(a, b)
    low, high = wilson([correct], [asked])
    assert 0 <= low[0] <= high[0] <= 1
    if asked:
        assert low[0] <= correct / asked + 1e-12 and high[0] >= correct / asked - 1e-12
    else:
        assert (low[0], high[0]) == (0, 1)


def test_a_run_that_was_asked_everything_does_not_outweigh_one_that_was_asked_a_part():
    correct, asked = pooled([100_000, 0], [100_000, 2_000])
    assert correct / asked == 0.5, "the mean of 100 % and 0 %, and not 98 %"
    assert asked == pytest.approx(4 / (1 / 100_000 + 1 / 2_000)) and asked < 2 * 2 * 2_000
    low, high = wilson(correct, asked)
    assert 0.48 < low < 0.5 < high < 0.52


counts = st.integers(1, 100_000).flatmap(lambda asked: st.tuples(st.integers(0, asked), st.just(asked)))


@given(st.lists(counts, min_size=1, max_size=9))
def test_the_share_of_runs_together_is_the_mean_of_their_shares(runs):
    k, n = np.array(runs, dtype=float).T
    correct, asked = pooled(k, n)
    assert correct[0] / asked[0] == pytest.approx(np.mean(k / n))
    assert asked[0] == pytest.approx(len(runs) ** 2 / np.sum(1 / n))
    assert asked[0] <= n.sum() * (1 + 1e-12), "unequal weights are never worth more than all that was asked"


@given(st.integers(1, 100_000), st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_runs_that_were_asked_the_same_are_summed_to_the_last_digit(asked, shares):
    correct = [int(share * asked) for share in shares]
    together, of = pooled(correct, [asked] * len(shares))
    assert (together[0], of[0]) == (sum(correct), asked * len(shares))


def test_groups_are_pooled_by_themselves_and_a_run_that_was_not_asked_is_left_out():
    correct, asked = pooled([1, 9, 3, 0, 0, 7], [10, 10, 4, 0, 0, 100], [0, 0, 1, 1, 2, 3])
    assert asked.tolist() == [20, 4, 0, 100] and correct.tolist() == [10, 3, 0, 7]
    assert np.array(wilson(correct, asked))[:, 2].tolist() == [0, 1]


def test_intervals_need_no_torch():
    code = "import sys, probe.intervals; print([m for m in ('torch', 'pandas', 'scipy') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
