"""BLEU is the official tool's, for the benchmark, for any part of it and for any resample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocoevalcap.bleu.bleu import Bleu
from said_captions import said_captions

from vlm.evaluate.metrics.bleu import BLEU, bleu, statistics
from vlm.evaluate.metrics.wording import worded

SAID, TRUE = said_captions(60, seed=3)


def tools(captions, references):
    """BLEU-1 to 4 as the tool has them, of the words that our tokenizer finds."""
    said, true = worded(captions, references)
    return Bleu(4).compute_score(
        {number: list(some) for number, some in enumerate(true)},
        {number: [one] for number, one in enumerate(said)},
        verbose=0,
    )[0]


def ours(captions, references):
    return [float(one.of(one.parts(captions, references).sum(axis=0))) for one in BLEU]


def test_it_equals_the_official_tool_on_its_own_words():
    said, true = said_captions(1000)
    assert ours(said, true) == pytest.approx(tools(said, true), abs=1e-12)
    assert ours(said, true)[3] > 0.01


def test_the_whole_of_it_equals_the_official_tool_with_its_java_tokenizer(official):
    theirs = Bleu(4).compute_score(official.true, official.said, verbose=0)[0]
    assert ours(official.captions, official.references) == pytest.approx(theirs, abs=1e-6)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3), min_size=len(SAID), max_size=len(SAID)).filter(any))
def test_sums_over_a_part_or_a_resample_give_what_the_tool_gives_for_its_captions(drawn):
    order = [number for number, times in enumerate(drawn) for _ in range(times)]
    sums = np.array(drawn, dtype=float) @ BLEU[3].parts(SAID, TRUE)
    theirs = tools([SAID[n] for n in order], [TRUE[n] for n in order])
    assert [float(one.of(sums)) for one in BLEU] == pytest.approx(theirs, abs=1e-12)


def test_many_resamples_are_measured_at_once():
    sums = np.random.default_rng(0).integers(0, 3, (7, 5, len(SAID))) @ BLEU[1].parts(SAID, TRUE)
    assert BLEU[1].of(sums).shape == (7, 5)
    assert BLEU[1].of(sums)[6, 4] == BLEU[1].of(sums[6, 4])


@pytest.mark.parametrize(
    ("captions", "references"),
    [([""], [("a dog",)]), (["a dog"], [("",)]), ([""], [("",)]), (["...", "a"], [("a b c",), ("a", "")])],
)
def test_texts_without_words_are_what_they_are_to_the_tool(captions, references):
    assert ours(captions, references) == pytest.approx(tools(captions, references), abs=1e-12)


def test_what_could_not_be_read_says_nothing():
    assert ours([None, "a dog"], [("a cat",), ("a dog",)]) == ours(["", "a dog"], [("a cat",), ("a dog",)])


def test_a_benchmark_without_captions_has_no_bleu():
    assert ours([], []) == [0, 0, 0, 0]
    assert bleu(np.zeros(10), 4) == pytest.approx(0)


def test_captions_are_counted_once_for_all_four():
    statistics.cache_clear()
    ours(SAID, TRUE)
    assert statistics.cache_info().misses == 1
