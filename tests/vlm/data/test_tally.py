"""Counts of records: one broken in a hundred is let pass, and one more ends the work."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm.data.errors import DataError
from vlm.data.tally import EARLIEST, NAMED, Tally

COUNTS = st.integers(0, 10**9)
NAMES = st.sampled_from(["picture missing", "caption empty", "skipped", "é"])
COUNTERS = st.dictionaries(NAMES, COUNTS)


@st.composite
def tallies(draw):
    tally = Tally()
    for name in ("reads", "skips", "dropped", "changed", "samples"):
        getattr(tally, name).update(draw(COUNTERS))
    tally.named = draw(st.dictionaries(NAMES, st.lists(st.text(), min_size=1, max_size=NAMED)))
    return tally


def read(count, broken):
    """Reads so many records, the first ones of them broken."""
    tally = Tally()
    for number in range(count):
        tally.reads[""] += 1
        if number < broken:
            tally.skip(f"file.json, record {number + 1}: it is broken.")
    return tally


@pytest.mark.parametrize("count", [100, 199, 200, 900, 1_000])
def test_one_in_a_hundred_is_let_pass_and_one_more_is_not(count):
    read(count, count // 100).require_few_skipped()
    too_many = read(count, count // 100 + 1)
    with pytest.raises(DataError) as refused:
        too_many.require_few_skipped()
    assert str(refused.value) == (
        f"{count // 100 + 1:,} of {count:,} records cannot be used, more than 1%: check that these are the files of "
        "the data set; the first: file.json, record 1: it is broken."
    )


@given(st.integers(1, 10**12))
def test_the_border_is_exact_at_any_size(hundreds):
    at_border = Tally(Counter({"": 100 * hundreds}), Counter({"": hundreds}), named={"skipped": ["x"]})
    at_border.require_few_skipped()
    at_border.skips[""] += 1
    with pytest.raises(DataError):
        at_border.require_few_skipped()


def test_many_sound_records_of_one_file_do_not_hide_the_broken_ones_of_another():
    tally = Tally(Counter({"boxes.json": 50_000, "questions.json": 5_000}), Counter({"questions.json": 51}))
    tally.named["skipped"] = ["questions.json, record 1: it is broken."]
    with pytest.raises(DataError, match=r"51 of 5,000 records of questions\.json cannot be used"):
        tally.require_few_skipped()


def test_none_of_none_is_let_pass():
    Tally().require_few_skipped()


def test_a_broken_file_ends_the_work_before_it_is_read_to_its_end():
    with pytest.raises(DataError, match=rf"^{EARLIEST:,} of {EARLIEST:,} records"):
        read(10 * EARLIEST, 10 * EARLIEST)


def test_a_few_broken_records_at_the_beginning_do_not_end_it():
    tally = read(EARLIEST, EARLIEST // 100)
    tally.require_few_skipped()


def test_all_are_counted_and_the_first_are_named():
    tally = read(EARLIEST - 1, NAMED + 5)
    tally.drop("too small", "a.jpg")
    tally.drop("too small", count=3)
    assert tally.skipped == NAMED + 5
    assert len(tally.named["skipped"]) == NAMED
    assert (dict(tally.dropped), tally.named["too small"]) == ({"too small": 4}, ["a.jpg"])


@given(tallies())
def test_a_tally_is_read_back_as_it_was_written(tally):
    assert Tally.from_json(tally.to_json()) == tally


@given(tallies(), tallies())
def test_parts_are_added_up(one, other):
    together = Tally.from_json(one.to_json())
    together.add(other)
    assert (together.read, together.skipped) == (one.read + other.read, one.skipped + other.skipped)
    for name in ("dropped", "changed", "samples"):
        counts = [getattr(tally, name) for tally in (one, other, together)]
        assert all(counts[2][key] == counts[0][key] + counts[1][key] for key in counts[0] | counts[1])
    for reason in one.named.keys() | other.named.keys():
        both = one.named.get(reason, []) + other.named.get(reason, [])
        assert together.named[reason] == both[:NAMED]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"read": 1}', json.dumps({**vars(Tally()), "other": 1})])
def test_what_is_no_tally_is_refused(text):
    with pytest.raises(ValueError):
        Tally.from_json(text)
