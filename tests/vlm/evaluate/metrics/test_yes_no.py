"""Yes and no are read as POPE's official evaluation does, and F1 and its parts are those of counted answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm.evaluate.metrics.yes_no import TRUTH, YES_NO, read_yes_no


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", "yes"),
        ("Yes.", "yes"),
        ("no", "no"),
        ("No.", "no"),
        ("No, there is not.", "no"),
        ("There is no dog in the picture.", "no"),
        ("It is not, I think", "no"),
        (" no", "no"),
        # Only the first sentence is read, and words lie between spaces
        ("Yes. No dog is far away.", "yes"),
        (". no", "yes"),
        ("No!", "yes"),
        ("NO", "yes"),
        ("Not here", "yes"),
        ("nothing", "yes"),
        ("no\nyes", "yes"),
        ("No,thing", "yes"),
        ("a dog", "yes"),
        ("", None),
        (" \n", None),
    ],
)
def test_an_answer_is_no_where_its_first_sentence_has_a_negation(text, answer):
    assert read_yes_no(text) == answer


@given(st.text(alphabet="noNOtyes.,! \n"))
def test_any_text_that_says_something_is_yes_or_no(text):
    assert read_yes_no(text) in (("yes", "no") if text.strip() else (None,))


def counted(said, true, positive):
    """F1, precision, recall and rate, one answer at a time."""
    hits = alarms = misses = 0
    for one, truth in zip(said, true, strict=True):
        hits += one == truth == positive
        alarms += one == positive != truth
        misses += truth == positive != one
    precision = hits / (hits + alarms) if hits + alarms else 0
    recall = hits / (hits + misses) if hits + misses else 0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0
    return {
        "F1": f1,
        "precision": precision,
        "recall": recall,
        f"{positive} rate": (hits + alarms) / len(said) if said else 0,
    }


def measured(metric, said, true):
    truths = [(truth,) for truth in true]
    return {one.name: float(one.of(one.parts(said, truths).sum(axis=0))) for one in metric.further}


asked = st.tuples(st.sampled_from([True, False, None]), st.booleans())


@pytest.mark.parametrize(
    ("metric", "words"), [(YES_NO, {True: "yes", False: "no"}), (TRUTH, {True: "true", False: "false"})]
)
@given(pairs=st.lists(asked, max_size=20))
def test_measures_are_those_of_answers_counted_one_by_one(metric, words, pairs):
    said, true = [words.get(one) for one, _ in pairs], [words[truth] for _, truth in pairs]
    assert measured(metric, said, true) == pytest.approx(counted(said, true, words[True]))
    scores = metric.scores(said, [(truth,) for truth in true])
    assert scores == [float(one == truth) for one, truth in zip(said, true, strict=True)]


def test_counts_are_told_apart():
    said = ["yes"] * 6 + ["no"] * 4 + [None] * 2
    true = ["yes"] * 4 + ["no"] * 2 + ["yes"] + ["no"] * 3 + ["yes", "no"]
    assert measured(YES_NO, said, true) == pytest.approx(
        {"F1": 8 / (8 + 2 + 2), "precision": 4 / 6, "recall": 4 / 6, "yes rate": 6 / 12}
    )
    assert sum(YES_NO.scores(said, [(truth,) for truth in true])) == 7


def test_an_unread_answer_is_a_miss_but_no_false_alarm():
    on_a_true_one = [measured(TRUTH, ["true", said], ["true", "true"]) for said in ("false", None)]
    assert on_a_true_one[0] == on_a_true_one[1]
    on_a_false_one = {"F1": 1, "precision": 1, "recall": 1, "true rate": 0.5}
    assert measured(TRUTH, ["true", None], ["true", "false"]) == on_a_false_one
    assert TRUTH.scores([None, None], [("true",), ("false",)]) == [0, 0]


@pytest.mark.parametrize("said", [[], ["no", "no"], [None]])
def test_measures_of_nothing_are_nothing_and_no_error(said):
    assert set(measured(YES_NO, said, ["no"] * len(said)).values()) == {0}


def test_measures_are_functions_of_sums_so_that_resamples_are_done_at_once():
    said, truths = ["yes", "no", "yes", None], [("yes",), ("yes",), ("no",), ("no",)]
    drawn = np.array([[0, 0, 1, 2], [3, 3, 3, 3], [2, 2, 1, 1]])
    for one in YES_NO.further:
        parts = one.parts(said, truths)
        apart = [float(one.of(parts[rows].sum(axis=0))) for rows in drawn]
        assert one.of(parts[drawn].sum(axis=1)).tolist() == apart


def test_the_best_constant_is_the_more_frequent_answer():
    assert YES_NO.best_constant([("no",), ("yes",), ("no",)]) == "no"
    assert TRUTH.best_constant([("true",), ("false",), ("true",)]) == "true"
    assert (YES_NO.name, TRUTH.name) == ("accuracy", "accuracy")
