"""McNemar's test: its exact p value and its mid-p value, and what goes into them."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vlm.evaluate.comparison.mcnemar import Discordant, discordant, is_binary

counts = st.integers(0, 60)


def by_hand(first, second):
    """Exact p and mid-p, summed in fractions."""
    number, fewer = first + second, min(first, second)
    each = [Fraction(comb(number, k), 2**number) for k in range(number + 1)]
    as_uneven = sum((p for k, p in enumerate(each) if abs(2 * k - number) >= number - 2 * fewer), Fraction(0))
    sides = {fewer, number - fewer}
    return as_uneven, as_uneven - sum(each[k] for k in sides) / 2 if first != second else Fraction(1)


@pytest.mark.parametrize(
    ("first", "second", "exact", "mid"),
    [
        (0, 0, 1, 1),
        (5, 5, 1, 1),
        (1, 0, 1, 0.5),
        (0, 5, 2 / 32, 1 / 32),
        (1, 9, 2 * 11 / 1024, (2 * 11 - 10) / 1024),
        (2, 1, 1, 0.625),
    ],
)
def test_small_tables_have_the_values_that_are_counted_on_paper(first, second, exact, mid):
    found = Discordant(first=first, second=second)
    assert found.exact == pytest.approx(exact)
    assert found.mid == pytest.approx(mid)


@given(counts, counts)
def test_values_are_those_that_fractions_sum_to(first, second):
    exact, mid = by_hand(first, second)
    found = Discordant(first=first, second=second)
    assert found.exact == pytest.approx(float(exact), rel=1e-9)
    assert found.mid == pytest.approx(float(mid), rel=1e-9)


@given(counts, counts)
def test_the_mid_p_value_is_below_the_exact_one_and_both_are_the_same_the_other_way_round(first, second):
    found, other = Discordant(first=first, second=second), Discordant(first=second, second=first)
    assert (found.exact, found.mid) == (other.exact, other.mid)
    assert 0 <= found.mid <= found.exact <= 1


@pytest.mark.parametrize(("first", "second"), [(50_500, 49_500), (120_000, 119_000), (0, 3_000), (400_000, 0)])
def test_many_questions_are_no_trouble(first, second):
    found = Discordant(first=first, second=second)
    assert found.exact == pytest.approx(stats.binomtest(first, first + second).pvalue, rel=1e-6)
    assert 0 <= found.mid <= found.exact


def test_the_exact_test_is_never_too_often_wrong_and_the_mid_p_value_hardly_so():
    """Among tables of up to 40 uneven answers of two models that are equal."""
    for number in range(1, 41):
        wrong = {"exact": 0.0, "mid": 0.0}
        for first in range(number + 1):
            found = Discordant(first=first, second=number - first)
            chance = comb(number, first) / 2**number
            wrong["exact"] += chance * (found.exact <= 0.05)
            wrong["mid"] += chance * (found.mid <= 0.05)
        assert wrong["exact"] <= 0.05
        assert wrong["exact"] <= wrong["mid"] <= 0.08


def test_only_questions_that_one_alone_answers_right_count():
    found = discordant([1, 1, 0, 0, 1], [1, 0, 0, 1, 0])
    assert found == Discordant(first=2, second=1)
    assert found + found == Discordant(first=4, second=2)


@given(st.lists(st.sampled_from([0.0, 1.0])), st.floats(0.01, 0.99))
def test_scores_are_binary_unless_one_is_between(scores, between):
    assert is_binary(scores)
    assert not is_binary([*scores, between])
    assert not is_binary([*scores, 1 + between])
