"""Means of several benchmarks draw pictures once for all of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm.evaluate import bootstrap
from vlm.evaluate.comparison.together import mean_of_means, p_value

benchmark = st.lists(st.tuples(st.floats(-1, 1), st.sampled_from("abcdef")), min_size=1, max_size=12)


@given(st.lists(benchmark, min_size=1, max_size=4))
def test_every_benchmark_counts_the_same(asked):
    differences, images = zip(*(zip(*some, strict=True) for some in asked), strict=True)
    found = mean_of_means(differences, images, resamples=100)
    assert found.value == pytest.approx(np.mean([np.mean(some) for some in differences]))
    least = np.mean([min(some) for some in differences])
    most = np.mean([max(some) for some in differences])
    assert least - 1e-9 <= found.low <= found.high <= most + 1e-9


@settings(max_examples=30)
@given(benchmark)
def test_one_benchmark_has_the_interval_that_it_has_alone(asked):
    differences, images = zip(*asked, strict=True)
    found, alone = mean_of_means([differences], [images]), bootstrap.mean(differences, images)
    assert (found.value, found.low, found.high) == pytest.approx((alone.value, alone.low, alone.high))


@settings(max_examples=50, deadline=None)
@given(st.lists(benchmark, min_size=1, max_size=3))
def test_p_is_the_share_of_exchanges_of_pictures_whose_mean_of_means_is_as_far_from_0(asked):
    differences, images = zip(*(zip(*some, strict=True) for some in asked), strict=True)
    found = []
    for signs in itertools.product([-1, 1], repeat=6):
        sign = dict(zip("abcdef", signs, strict=True))
        found.append(np.mean([np.mean([sign[image] * apart for apart, image in some]) for some in asked]))
    as_found = abs(np.mean([np.mean(some) for some in differences]))
    tolerance = 1e-9 * np.mean([np.mean(np.abs(some)) for some in differences])
    assert p_value(differences, images) == pytest.approx(np.mean(np.abs(found) >= as_found - tolerance))


def test_benchmarks_without_a_shared_picture_are_drawn_independently():
    generator = np.random.default_rng(0)
    differences = [generator.normal(0, scale, number) for scale, number in ((1, 400), (0.5, 100))]
    images = [[f"{which}-{n}" for n in range(len(some))] for which, some in enumerate(differences)]
    found = mean_of_means(differences, images)
    spread = np.sqrt(sum(some.var() / len(some) for some in differences)) / 2
    assert found.high - found.low == pytest.approx(2 * 1.96 * spread, rel=0.05)


def test_benchmarks_that_ask_of_the_same_pictures_do_not_narrow_each_other():
    differences = np.random.default_rng(0).normal(0, 1, 300)
    images = [str(n) for n in range(300)]
    twice, alone = mean_of_means([differences] * 2, [images] * 2), mean_of_means([differences], [images])
    assert (twice.low, twice.high) == pytest.approx((alone.low, alone.high))
    apart = mean_of_means([differences] * 2, [images, [f"other {one}" for one in images]])
    assert (apart.high - apart.low) * np.sqrt(2) == pytest.approx(twice.high - twice.low, rel=0.1)
    assert p_value([differences] * 2, [images] * 2) == p_value([differences], [images])


def test_what_differs_in_opposite_ways_on_each_picture_has_no_width():
    differences = np.random.default_rng(0).normal(0, 1, 50)
    images = [str(n) for n in range(50)]
    found = mean_of_means([differences, -differences], [images] * 2)
    assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-12)
    assert p_value([differences, -differences], [images] * 2) == 1
