"""Predictions are kept to the last digit, and files that are none are refused with a sentence."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_predictions import predictions

from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.predictions import (
    Prediction,
    PredictionError,
    answered,
    in_the_order_of,
    judge,
    read_predictions,
    write_predictions,
)
from vlm.sample import Question, Sample

kept = st.builds(
    Prediction,
    id=st.text(),
    number=st.text(),
    image=st.text(),
    benchmark=st.just("world-vqa"),
    group=st.text(),
    kind=st.text(),
    prediction=st.text(),
    answers=st.lists(st.text(), min_size=1, max_size=3).map(tuple),
    score=st.floats(0, 10),
    parsed=st.booleans(),
)


@given(st.lists(kept, min_size=1, max_size=4, unique_by=lambda one: one.id))
def test_predictions_are_read_back_as_they_were(tmp_path_factory, some):
    path = tmp_path_factory.mktemp("kept") / "predictions.jsonl"
    write_predictions(path, some)
    assert read_predictions(path) == some
    assert [file.name for file in path.parent.iterdir()] == ["predictions.jsonl"]


def test_samples_and_texts_become_scored_predictions():
    sample = Sample(
        id="7",
        image="7.png",
        task="vqa",
        source="world-vqa",
        group="held-out",
        questions=(Question(question="?", answer="Two", kind="count"),),
    )
    (one,) = judge(BENCHMARKS["world-vqa"], [sample], ["Two.<|endoftext|>"])
    assert one == Prediction(
        id="7",
        number="7",
        image="7.png",
        benchmark="world-vqa",
        group="held-out",
        kind="count",
        prediction="Two.<|endoftext|>",
        answers=("Two",),
        score=1.0,
        parsed=True,
    )


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_scoring_what_was_kept_gives_the_same_scores(tmp_path, benchmark):
    some = predictions(benchmark)
    write_predictions(tmp_path / "kept.jsonl", some)
    read = read_predictions(tmp_path / "kept.jsonl")
    assert answered(read, [one.prediction for one in read]) == some
    assert sum(one.score for one in some) > 0


LINE = dataclasses.asdict(predictions("world-vqa")[0])


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "it is empty"),
        (["{"], "line 1 is no JSON"),
        (["[1]"], "line 1 is no JSON object"),
        ([LINE, {"image_id": 1, "caption": "a"}], "line 2 must have exactly id, number"),
        ([{**LINE, "score": "high"}], "line 1: score must be a number"),
        ([{**LINE, "score": float("nan")}], "line 1 has a score of nan"),
        ([{**LINE, "score": -1}], "line 1 has a score of -1"),
        ([{**LINE, "prediction": 3}], "line 1: prediction must be a text"),
        ([{**LINE, "answers": "red"}], "line 1: answers must be"),
        ([{**LINE, "answers": []}], "line 1 has answers without a score, or the reverse"),
        ([{**LINE, "score": None}], "line 1 has answers without a score, or the reverse"),
        ([LINE, LINE], "answers world-vqa-0 twice"),
        ([LINE, {**LINE, "id": "2", "benchmark": "world-match"}], "holds world-match and world-vqa"),
        ([{**LINE, "benchmark": "flickr"}], "must be one of world-caption"),
    ],
)
def test_a_file_that_is_none_is_refused_with_one_sentence(tmp_path, lines, sentence):
    path = tmp_path / "kept.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    with pytest.raises(PredictionError, match=sentence) as refusal:
        read_predictions(path)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_missing_file_and_a_picture_are_refused(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\xff\xfe")
    for name in ("missing", "picture.png", "."):
        with pytest.raises(PredictionError, match="cannot be read as a file of predictions"):
            read_predictions(tmp_path / name)


def test_pairing_follows_the_ids_and_not_the_lines():
    first, second = predictions("world-vqa"), predictions("world-vqa", right=0.2, seed=1)
    assert in_the_order_of(first, second[::-1]) == second


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda some: some[1:], "1 samples, such as world-vqa-0, are answered by one of them alone"),
        (lambda some: [dataclasses.replace(some[0], id="x"), *some[1:]], "2 samples, such as world-vqa-0"),
        (lambda some: [dataclasses.replace(some[0], answers=("x",)), *some[1:]], "world-vqa-0 is another question"),
        (lambda some: [dataclasses.replace(some[0], image="x"), *some[1:]], "world-vqa-0 is another question"),
    ],
)
def test_files_that_answer_other_questions_are_not_paired(change, sentence):
    with pytest.raises(PredictionError, match=sentence):
        in_the_order_of(predictions("world-vqa"), change(predictions("world-vqa", seed=1)))
