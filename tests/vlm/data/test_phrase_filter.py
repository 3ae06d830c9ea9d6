"""The selection of pairs by rare noun phrases, against one that holds everything in memory."""

import random
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.config import ConfigError
from vlm.data.phrase_filter import PhraseFilter, phrase_of

WORDS = [f"phrase {number}" for number in range(12)]
PAIRS = st.lists(st.lists(st.sampled_from(WORDS), max_size=4), max_size=60)
LIMITS = st.tuples(st.integers(1, 5), st.integers(1, 9))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A new folder for each selection: hypothesis makes many within one test."""
    top = tmp_path_factory.mktemp("phrases")
    return (top / str(number) for number in range(10**6))


def selection_of(folders, pairs, rarest=3, most=8, order=None, **how):
    """Of pairs that are each called by their number, added in this order; by their numbers, too."""
    order = range(len(pairs)) if order is None else order
    selection = PhraseFilter(folder := next(folders), len(pairs), rarest=rarest, most=most, **how)
    for place, name in enumerate(order):
        selection.add(place, str(name), pairs[name])
    result = selection.select()
    assert folder.is_dir()
    return result, {name for place, name in enumerate(order) if result.chosen[place]}


def pairs_by_phrase(pairs):
    having = defaultdict(set)
    for number, phrases in enumerate(pairs):
        for phrase in phrases:
            having[phrase].add(number)
    return having


@settings(deadline=None)
@given(pairs=PAIRS, limits=LIMITS, seed=st.integers(0, 3))
def test_it_selects_what_each_phrase_selects_by_itself(folders, pairs, limits, seed):
    rarest, most = limits
    result, chosen = selection_of(folders, pairs, *limits, seed=seed, held=5)
    expected, counted = set(), [0, 0, 0]
    for phrase, having in pairs_by_phrase(pairs).items():
        if len(having) < rarest:
            counted[0] += 1
            continue
        counted[1 if len(having) <= most else 2] += 1
        # The draw of one phrase: what is chosen where the pairs have no other.
        alone = [[phrase] if number in having else [] for number in range(len(pairs))]
        _, drawn = selection_of(folders, alone, *limits, seed=seed)
        assert len(drawn) == min(len(having), most) and drawn <= having
        expected |= drawn
    assert chosen == expected
    assert [result.below, result.within, result.above] == counted


@settings(deadline=None)
@given(pairs=PAIRS, limits=LIMITS, partitions=st.integers(1, 40), held=st.integers(1, 200), shuffle=st.integers(0, 9))
def test_neither_the_order_of_pairs_nor_partitions_nor_memory_change_it(
    folders, pairs, limits, partitions, held, shuffle
):
    order = random.Random(shuffle).sample(range(len(pairs)), len(pairs))
    changed, chosen = selection_of(folders, pairs, *limits, order=order, partitions=partitions, held=held)
    usual, expected = selection_of(folders, pairs, *limits)
    assert chosen == expected
    assert (changed.below, changed.within, changed.above) == (usual.below, usual.within, usual.above)


@settings(deadline=None)
@given(pairs=PAIRS)
def test_a_phrase_within_the_limits_keeps_all_its_pairs_and_one_below_them_none(folders, pairs):
    _, chosen = selection_of(folders, pairs)
    rare = {phrase for phrase, having in pairs_by_phrase(pairs).items() if len(having) < 3}
    for having in pairs_by_phrase(pairs).values():
        if 3 <= len(having) <= 8:
            assert having <= chosen
    assert not any(set(pairs[number]) <= rare for number in chosen)


def test_another_seed_draws_others_and_the_same_seed_the_same(folders):
    pairs = [["dog"]] * 1_000
    drawn = [selection_of(folders, pairs, seed=seed)[1] for seed in (0, 0, 1, 2**70)]
    assert [len(one) for one in drawn] == [8] * 4
    assert drawn[0] == drawn[1]
    assert len(drawn[0] | drawn[2] | drawn[3]) > 16


def test_two_phrases_of_the_same_pairs_draw_apart(folders):
    pairs = [["dog", "cat"]] * 1_000
    assert len(selection_of(folders, pairs)[1]) > 8


def test_every_pair_has_the_same_chance(folders):
    times = np.zeros(40, dtype=int)
    for seed in range(400):
        times[list(selection_of(folders, [["dog"]] * 40, seed=seed)[1])] += 1
    assert times.sum() == 400 * 8
    # 80 each, give or take 4 standard deviations of a binomial.
    assert abs(times - 80).max() < 4 * (400 * 0.2 * 0.8) ** 0.5


def test_a_phrase_that_all_pairs_have_takes_no_more_room_than_others(folders):
    selection = PhraseFilter(folder := next(folders), 10_000, held=1_000)
    for pair in range(10_000):
        selection.add(pair, str(pair), ["man", "man"])
    selection.select()
    # Nine of each 1,000 records at most, of 24 bytes.
    assert 0 < sum(path.stat().st_size for path in folder.iterdir()) <= 20 * 9 * 24


def test_phrases_of_a_pair_may_come_in_several_calls(folders):
    selection = PhraseFilter(next(folders), 4, held=1)
    for pair in (0, 1, 2, 0, 1, 0, 0):
        selection.add(pair, f"pair {pair}", ["dog"])
    result = selection.select()
    assert result.chosen.tolist() == [True, True, True, False]
    assert (result.below, result.within, result.above) == (0, 1, 0)


def test_a_folder_of_an_earlier_selection_is_not_added_to(folders):
    PhraseFilter(folder := next(folders), 1)
    with pytest.raises(FileExistsError):
        PhraseFilter(folder, 1)


@pytest.mark.parametrize(("limits", "why"), [({"rarest": 0}, "from 0"), ({"most": 0}, "not 0")])
def test_limits_below_one_are_refused(folders, limits, why):
    with pytest.raises(ConfigError, match=why):
        PhraseFilter(next(folders), 1, **limits)


@pytest.mark.parametrize(
    ("caption", "phrase"),
    [
        ("A dog", "dog"),
        ("the Old  man\u00a0of\nthe sea", "old man of sea"),
        ("some", ""),
        ("anthem", "anthem"),
        ("a-frame", "a-frame"),
        ("Élan THE Ночь", "élan ночь"),
        ("  ", ""),
    ],
)
def test_a_phrase_is_lower_case_without_articles_or_extra_space(caption, phrase):
    assert phrase_of(caption, 0, len(caption)) == phrase


def test_a_phrase_is_a_span_in_characters():
    assert phrase_of("🐕 and a Café", 6, 12) == "café"


def test_a_pair_without_phrases_is_never_selected(folders):
    result, chosen = selection_of(folders, [[], [""], [""], [""]])
    assert (chosen, result.below, result.within) == (set(), 0, 0)


def test_the_draw_is_the_same_on_all_machines(folders):
    assert sorted(selection_of(folders, [["dog"]] * 100)[1]) == [9, 12, 24, 34, 42, 63, 68, 86]
