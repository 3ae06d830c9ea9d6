"""Neighbours put together, two files joined, and sorting outside of memory."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm.data import packs as packing
from vlm.data.packs import LIMITS, PUBLISHED, joined, limit_of, packs, sorted_by

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.text(max_size=2)))
MOST = st.none() | st.integers(1, 5)


def first(pair):
    return pair[0]


@given(PAIRS, MOST)
def test_packs_hold_neighbours_alone_in_their_order_and_no_more_than_asked(pairs, most):
    made = list(packs(pairs, first, most))
    assert list(itertools.chain(*made)) == pairs
    for pack in made:
        assert pack
        assert len({first(pair) for pair in pack}) == 1
        assert most is None or len(pack) <= most
    for one, behind in itertools.pairwise(made):  # as large as they can be
        assert first(one[0]) != first(behind[0]) or len(one) == most


def test_packs_are_made_as_their_items_come():
    endless = packs(((number // 3, number) for number in itertools.count()), first, 2)
    assert list(itertools.islice(endless, 3)) == [[(0, 0), (0, 1)], [(0, 2)], [(1, 3), (1, 4)]]


@given(st.permutations(range(8)), st.permutations(range(12)))
def test_each_finds_its_other_in_whatever_order_they_are(ones, others):
    found = list(joined([(one, "one") for one in ones], [(other, "other") for other in others], first))
    assert found == [((one, "one"), (one, "other")) for one in ones]


@given(st.lists(st.integers(0, 9), unique=True), st.lists(st.integers(0, 9), unique=True))
def test_what_has_no_other_comes_alone_and_others_of_nothing_do_not_come(ones, others):
    assert list(joined(ones, others, int)) == [(one, one if one in others else None) for one in ones]


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_an_other_belongs_to_one_alone_and_all_of_the_first_come(ones, others):
    found = list(joined(ones, others, int))
    assert [one for one, _ in found] == ones
    for key in set(ones):
        assert sum(other == key for _, other in found) <= min(ones.count(key), others.count(key))
        assert (key in others) == any(other == key for _, other in found)


def test_files_in_the_same_order_are_joined_without_holding_them():
    pulled = []

    def others():
        for number in itertools.count():
            pulled.append(number)
            yield number

    for one, _ in itertools.islice(joined(itertools.count(), others(), int), 1_000):
        assert len(pulled) == one + 1


@settings(max_examples=60)
@given(PAIRS, st.integers(1, 7))
def test_sorted_outside_of_memory_is_sorted_and_stable(pairs, run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "RUN", run)
        assert list(sorted_by(iter(pairs), first)) == sorted(pairs, key=first)


def test_runs_that_are_read_in_pieces_are_read_whole(monkeypatch):
    monkeypatch.setattr(packing, "RUN", 700)  # more than is read of a run at once
    items = [(number * 7919 % 101, number) for number in range(2_000)]
    assert list(sorted_by(items, first)) == sorted(items, key=first)


def test_published_limits_are_smaller_for_visual7w_alone():
    differing = {name for name in LIMITS if limit_of(name, True) != limit_of(name, False)}
    assert differing == {"visual7w telling", "visual7w pointing"}
    assert (PUBLISHED["visual7w telling"], PUBLISHED["visual7w pointing"]) == (3, 3)
    assert limit_of("docvqa", False) is None
