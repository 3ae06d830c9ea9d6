"""No constant answer scores higher than the one that is found, on cases small enough to try all."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_predictions import predictions, saying

from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.constants import best_constant, best_constant_by_kind
from vlm.evaluate.predictions import answered


def score(some):
    return np.mean([one.score for one in some])


@pytest.mark.parametrize(
    ("benchmark", "candidates"),
    [
        ("world-vqa", ["red", "Red.", "green", "blue"]),
        ("world-choice", list("ABCD")),
        ("world-match", ["True", "False"]),
    ],
)
@given(data=st.data())
def test_the_best_constant_answer_beats_all_others(benchmark, candidates, data):
    asked = saying(data.draw(st.lists(st.sampled_from(candidates), min_size=1, max_size=12)), benchmark)
    found = best_constant(asked)
    assert len({one.prediction for one in found}) == 1 and all(one.parsed for one in found)
    assert score(found) == max(score(answered(asked, [one] * len(asked))) for one in candidates)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["colour", "count"])), min_size=1, max_size=10))
def test_the_best_constant_of_each_kind_beats_all_other_choices(asked):
    answers, kinds = zip(*asked, strict=True)
    some = saying(answers, kinds=kinds)
    choices = itertools.product("abc", repeat=2)
    tried = [answered(some, [dict(zip(("colour", "count"), one, strict=True))[k] for k in kinds]) for one in choices]
    assert score(best_constant_by_kind(some)) == max(map(score, tried)) >= score(best_constant(some))


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_best_constant_lies_above_nothing_and_below_the_truth(benchmark):
    some = predictions(benchmark)
    assert 0 < score(best_constant(some)) < score(answered(some, [one.answers[0] for one in some]))
