"""ROUGE-L is the official tool's."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pycocoevalcap.rouge.rouge import Rouge, my_lcs
from said_captions import said_captions

from vlm.evaluate.metrics.rouge import ROUGE, longest_common, rouge
from vlm.evaluate.metrics.wording import worded

WORDS = st.lists(st.sampled_from("abcde"), min_size=1, max_size=90)
SAID, TRUE = said_captions(30, seed=5)


def tools(captions, references):
    said, true = worded(captions, references)
    return Rouge().compute_score(
        {number: list(some) for number, some in enumerate(true)}, {number: [one] for number, one in enumerate(said)}
    )


def test_each_score_is_that_of_the_official_tool_on_its_own_words():
    said, true = said_captions(1000)
    mean, each = tools(said, true)
    assert rouge(said, true) == each.tolist()
    assert float(ROUGE.of(ROUGE.parts(said, true).sum(axis=0))) == pytest.approx(mean, abs=1e-12)
    assert 0.1 < mean < 0.9


def test_the_whole_of_it_equals_the_official_tool_with_its_java_tokenizer(official):
    mean, _ = Rouge().compute_score(official.true, official.said)
    parts = ROUGE.parts(official.captions, official.references)
    assert float(ROUGE.of(parts.sum(axis=0))) == pytest.approx(mean, abs=1e-6)


@given(WORDS, WORDS)
@example(["a"] * 80, ["a"] * 70)
def test_the_longest_common_subsequence_is_as_long_as_the_tables(first, second):
    places = {word: sum(1 << n for n, one in enumerate(first) if one == word) for word in first}
    assert longest_common(places, len(first), second) == my_lcs(second, first)


@given(st.lists(st.integers(0, 3), min_size=30, max_size=30).filter(any))
def test_sums_over_a_part_or_a_resample_give_what_the_tool_gives_for_its_captions(drawn):
    order = [number for number, times in enumerate(drawn) for _ in range(times)]
    sums = np.array(drawn, dtype=float) @ ROUGE.parts(SAID, TRUE)
    theirs, _ = tools([SAID[n] for n in order], [TRUE[n] for n in order])
    assert float(ROUGE.of(sums)) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(
    ("caption", "references", "score"),
    [("", ("a dog",), 0), ("a dog", ("",), 0), ("", ("",), 1), (None, ("a", "!"), 1), ("a dog", ("dog a", "a dog"), 1)],
)
def test_a_text_without_words_is_one_empty_word_as_it_is_to_the_tool(caption, references, score):
    assert rouge([caption], [references]) == tools([caption], [references])[1].tolist() == [score]
