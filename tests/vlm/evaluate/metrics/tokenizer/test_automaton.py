"""Patterns match as `re` says they do, one at a time, and together the longest of them wins."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm.evaluate.metrics.tokenizer.automaton import Automaton

PATTERNS = ["ab?", "(a|bc)+", "[^b]c*", "a{2}b{1,3}", "(ab|a)(bc|c)?", r"[\u0061-b]\.?c", "(a?b){2,3}c"]


@given(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=4), st.text("abcd.", max_size=10), st.integers(0, 3))
def test_the_longest_match_wins_and_on_a_tie_the_first_pattern(patterns, text, start):
    matches = [
        (end, -number)
        for number, pattern in enumerate(patterns)
        for end in range(start + 1, len(text) + 1)
        if re.fullmatch(pattern, text[start:end])
    ]
    end, number = max(matches, default=(None, None))
    assert Automaton(patterns, {}).longest(text, start) == (None if end is None else (-number, end))


@given(st.sampled_from(PATTERNS), st.text("abcd.", max_size=10), st.integers(0, 10))
def test_every_match_is_found_in_order(pattern, text, stop):
    stop = min(stop, len(text))
    ends = [end for end in range(1, stop + 1) if re.fullmatch(pattern, text[:end])]
    assert [end for _, end in Automaton([pattern], {}).matches(text, 0, stop)] == ends


def test_names_stand_for_patterns_and_for_sets_of_characters():
    automaton = Automaton(["{word}!"], {"word": "{small}+|x", "small": str.islower})
    assert automaton.longest("né! ", 0) == (0, 3)
    assert automaton.longest("Né!", 0) is None


@pytest.mark.parametrize("text", ["kiss", "KISS", "\u212a\u0130\u017f\u017f", "k\u0131ss"])
def test_letters_match_in_any_case_but_in_a_set_as_they_stand(text):
    assert Automaton(["kiss"], {}).longest(text, 0) == (0, 4)
    assert Automaton(["[k][i][s][s]"], {}).longest(text, 0) == ((0, 4) if text == "kiss" else None)


@pytest.mark.parametrize("pattern", ["(a", "a)", "(a))"])
def test_a_pattern_with_a_bracket_too_many_is_refused(pattern):
    with pytest.raises(ValueError, match="bracket"):
        Automaton([pattern], {})
