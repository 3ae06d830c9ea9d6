"""The randomisation test counts exchanges of pictures, and keeps its promise where McNemar's breaks it."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vlm.evaluate.comparison.mcnemar import discordant
from vlm.evaluate.comparison.randomisation import holm, p_value

questions = st.lists(st.tuples(st.floats(-1, 1), st.sampled_from("abcdefgh")), min_size=1, max_size=20)
binary = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=13)


def one_after_the_other(differences, images):
    """The share of all exchanges that are as far from 0, each summed anew."""
    pictures = sorted(set(images))
    found = []
    for signs in itertools.product([-1, 1], repeat=len(pictures)):
        sign = dict(zip(pictures, signs, strict=True))
        found.append(sum(sign[image] * apart for apart, image in zip(differences, images, strict=True)))
    tolerance = 1e-9 * sum(map(abs, differences))
    return np.mean([abs(one) >= abs(sum(differences)) - tolerance for one in found])


@given(questions)
def test_where_there_are_few_pictures_every_exchange_is_counted(asked):
    differences, images = zip(*asked, strict=True)
    assert p_value(differences, images) == pytest.approx(one_after_the_other(differences, images))


@given(binary)
def test_with_a_question_a_picture_it_is_mcnemars_exact_test(scores):
    first, second = np.array(scores).T
    images = [str(index) for index in range(len(first))]
    assert p_value(second - first, images) == pytest.approx(discordant(first, second).exact)


def test_drawn_exchanges_come_close_to_all_of_them():
    generator = np.random.default_rng(0)
    first, second = (generator.random((2, 400)) < [[0.5], [0.55]]).astype(float)
    images = [str(index) for index in range(400)]
    exact = discordant(first, second).exact
    assert 0.01 < exact < 0.5
    assert p_value(second - first, images) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 10_000))


@given(st.integers(0, 1000), st.sampled_from([8, 40]))
def test_p_is_the_same_the_other_way_round_and_in_another_order_of_questions(seed, number):
    generator = np.random.default_rng(seed)
    differences, images = generator.normal(0.2, 1, number), [str(index // 2) for index in range(number)]
    p = p_value(differences, images, exchanges=500)
    assert p_value(-differences, images, exchanges=500) == p
    assert p_value(differences[::-1], images[::-1], exchanges=500) == pytest.approx(p)
    assert 1 / 501 <= p <= 1


def test_models_that_are_equal_everywhere_have_p_1():
    assert p_value([0.0] * 50, [str(index) for index in range(50)]) == 1
    assert p_value([0.3, -0.1, -0.1, -0.1], ["a"] * 4) == 1


def test_a_large_difference_is_never_impossible():
    assert p_value([1.0] * 200, [str(index) for index in range(200)], exchanges=999) == 1 / 1000


def test_it_is_wrong_as_often_as_it_says_where_questions_share_a_picture():
    """500 comparisons of equal models whose answers about a picture stand and fall together, 6 to each of 30 pictures.
    With a chance of 5 % each, more than 40 errors have a probability below 0.2 %. McNemar's test makes over 100."""
    generator = np.random.default_rng(0)
    images = [str(index // 6) for index in range(180)]
    wrong, wrong_of_mcnemar = 0, 0
    for _ in range(500):
        first, second = np.repeat(generator.integers(2, size=(2, 30)), 6, axis=1)
        wrong += p_value(second - first, images, exchanges=400) <= 0.05
        wrong_of_mcnemar += discordant(first, second).exact <= 0.05
    assert stats.binom.sf(40, 500, 0.05) < 0.002
    assert wrong <= 40 and wrong_of_mcnemar > 100


def test_holm_multiplies_by_the_tests_that_are_left():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1, 1]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_holm_takes_the_largest_product_up_to_each_p_in_whatever_order_they_are(some, random):
    adjusted = holm(some)
    times = [min(1, (len(some) - rank) * p) for rank, p in enumerate(sorted(some))]
    for p, own in zip(some, adjusted, strict=True):
        assert own == max(more for more, other in zip(times, sorted(some), strict=True) if other <= p)
        assert p <= own <= min(1, len(some) * p)
    order = list(range(len(some)))
    random.shuffle(order)
    assert holm([some[place] for place in order]) == [adjusted[place] for place in order]
