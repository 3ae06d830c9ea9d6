"""CIDEr is the official tool's, and the best constant caption is the one that it scores highest."""

import subprocess
import sys
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocoevalcap.cider.cider import Cider
from said_captions import said_captions
from small_predictions import caption

from vlm.evaluate.metrics import wording
from vlm.evaluate.metrics.bleu import statistics
from vlm.evaluate.metrics.captions import CIDER, FURTHER, best_caption, cider
from vlm.evaluate.metrics.tokenizer.tokens import tokens


def drawn(number, seed=0, references=3):
    """Captions and references as the world has them: n texts and n tuples of texts."""
    generator = np.random.default_rng(seed)
    said = [caption(generator) for _ in range(number)]
    return said, [tuple(caption(generator) for _ in range(generator.integers(1, references + 1))) for _ in said]


def test_cider_equals_the_official_tools_on_its_own_words():
    said, references = drawn(300)
    overall, each = Cider().compute_score(
        {number: [tokens(reference) for reference in some] for number, some in enumerate(references)},
        {number: [tokens(one)] for number, one in enumerate(said)},
    )
    ours = cider(said, references)
    assert ours.tolist() == each.tolist()
    assert ours.mean() == overall > 0.1


def test_the_whole_of_it_equals_the_official_tool_with_its_java_tokenizer(official):
    mean, each = Cider().compute_score(official.true, official.said)
    ours = cider(official.captions, official.references)
    assert ours == pytest.approx(each, abs=1e-6)
    assert ours.mean() == pytest.approx(mean, abs=1e-6)
    assert mean > 0.1


def test_each_text_is_tokenised_once_for_all_measures(monkeypatch):
    said, true = said_captions(40)
    asked = []
    monkeypatch.setattr(wording, "words", lru_cache(maxsize=None)(lambda text: asked.append(text) or tokens(text)))
    statistics.cache_clear()
    cider(said, true)
    for measure in FURTHER:
        if not measure.lacking() and measure.name != "METEOR":
            measure.parts(said, true)
    assert len(asked) == len(set(asked)) > 40


def test_measures_are_those_of_the_tool_in_its_order():
    assert [one.name for one in FURTHER] == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "SPICE"]
    assert CIDER.further == FURTHER


def test_where_no_reference_has_a_word_every_caption_scores_nothing():
    assert cider(["a dog", ""], [("",), ("...", "!")]).tolist() == [0, 0]
    assert cider([], []).tolist() == []


def test_a_caption_that_says_nothing_scores_nothing_and_the_reference_itself_scores_ten():
    said, references = drawn(50, references=1)
    said = ["", *(some[0] for some in references[1:])]
    scores = cider(said, references)
    assert scores[0] == 0
    assert scores.max() == pytest.approx(10)


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A red circle and a blue square.", "a red circle and a blue square"),
        ('The word "STOP" is above; a small star!', "the word stop is above a small star"),
        ("A red-blue star's  shadow", "a red-blue star 's shadow"),
        ("  ...  ", ""),
    ],
)
def test_words_are_those_of_the_official_tokenizer_on_plain_captions(caption, words):
    assert tokens(caption) == words


@settings(max_examples=15)
@given(st.integers(1, 12), st.integers(0, 1000))
def test_no_reference_scores_higher_than_the_best_constant_caption(number, seed):
    _, references = drawn(number, seed)
    means = {
        one: float(np.mean(cider([one] * len(references), references)))
        for one in (reference for some in references for reference in some)
    }
    assert means[best_caption(references)] == pytest.approx(max(means.values()), abs=1e-9)


@settings(max_examples=15)
@given(st.integers(1, 8), st.integers(0, 1000))
def test_captions_that_say_a_word_again_and_again_or_nothing_are_weighed_like_others(number, seed):
    said, references = said_captions(number, seed)
    references = [(*some, one) for some, one in zip(references, said, strict=True)]
    means = {one: float(cider([one] * number, references).mean()) for some in references for one in some}
    assert means[best_caption(references)] == pytest.approx(max(means.values()), abs=1e-9)


def test_where_all_captions_score_alike_the_first_is_the_best():
    assert best_caption([("A dog.", "a cat"), ("",)]) in ("A dog.", "a cat")
    assert best_caption([("A star.",), ("A star.",)]) == "A star."
    assert best_caption([("", "..."), ("!",)]) == ""


def test_the_tool_is_not_imported_before_it_is_needed():
    code = "import sys, vlm.evaluate.predictions; assert not any('pycocoevalcap' in name for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
