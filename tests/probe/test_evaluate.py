"""Intervals of shares against what is published of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.intervals import wilson


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
