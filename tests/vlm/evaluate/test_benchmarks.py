"""Answers are read as each benchmark reads them; what cannot be read is counted and scores nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.config import ConfigError
from vlm.evaluate.benchmark import answers_of
from vlm.evaluate.benchmarks import BENCHMARKS, benchmark_named
from vlm.places import Place
from vlm.sample import Question, Region, Sample, SampleError
from vlm.samples import Listed

VQA = Sample(id="q", image="a.png", task="vqa", source="world-vqa", questions=(Question(question="?", answer="Red"),))
CHOICE = Sample(
    id="c",
    image="a.png",
    task="multiple_choice_vqa",
    source="world-choice",
    questions=(Question(question="?", answer="Blue", options=("Red", "Blue")),),
)
GROUNDING = Sample(
    id="g",
    image="a.png",
    task="visual_grounding",
    source="world-grounding",
    regions=(Region(box=(0.1, 0.2, 1 / 3, 0.4), phrase="It."),),
)
MATCH = Sample(
    id="m", image="a.png", task="image_text_match", source="world-match", caption="A red circle.", matches=False
)
CAPTION = Sample(
    id="d", image="a.png", task="captioning", source="world-caption", caption="One.", references=("One.", "Two.")
)


def listed(*samples):
    return Listed(samples, Place("."))


@pytest.mark.parametrize(
    ("benchmark", "text", "answer", "score", "parsed"),
    [
        ("world-vqa", "Red.<|endoftext|>", "red", 1, True),
        ("world-vqa", " RED ", "Red.", 1, True),
        ("world-vqa", "Red.<|endoftext|>Blue.", "red", 1, True),
        ("world-vqa", "Red. Blue.", "red", 0, True),
        ("world-vqa", "Redder", "red", 0, True),
        ("world-vqa", "Red..", "red", 0, True),
        ("world-vqa", ".<|endoftext|>red", "red", 0, False),
        ("world-vqa", "", "red", 0, False),
        ("world-reading", "stop.", "Stop", 1, True),
        ("world-reading", "stopp.", "Stop", 0, True),
        ("world-choice", "B.<|endoftext|>", "B", 1, True),
        ("world-choice", "B. Blue.", "B", 1, True),
        ("world-choice", "B", "B", 1, True),
        ("world-choice", "A.B.", "B", 0, True),
        ("world-choice", "b.", "B", 0, False),
        ("world-choice", "Blue.", "B", 0, False),
        ("world-choice", ".", "B", 0, False),
        ("world-match", "True.<|endoftext|>", "True", 1, True),
        ("world-match", "true", "True", 1, True),
        ("world-match", "False.", "True", 0, True),
        ("world-match", "Yes.", "True", 0, False),
        ("world-match", "True. False.", "True", 0, False),
        ("world-match", "no idea", "False", 0, False),
        ("world-grounding", "[0.00,0.00,1.00,0.51].<|endoftext|>", "[0,0,1,1]", 1, True),
        ("world-grounding", "[0.00,0.00,1.00,0.50].", "[0,0,1,1]", 0, True),
        ("world-grounding", "<|endoftext|>[0,0,1,1]", "[0,0,1,1]", 0, False),
        ("world-grounding", "[0,0,1]", "[0,0,1,1]", 0, False),
        ("world-grounding", "[1,1,0,0]", "[0,0,1,1]", 0, False),
    ],
)
def test_an_answer_is_read_and_scored(benchmark, text, answer, score, parsed):
    assert BENCHMARKS[benchmark].judge([text], [(answer,)]) == [(score, parsed)]


def test_captions_are_scored_against_all_references_of_the_benchmark():
    answers = [("A red circle.", "One circle, which is red."), ("A blue star.",)]
    said = ["A red circle.<|endoftext|> A blue star.", "<|endoftext|>A blue star."]
    (first, read), (second, unread) = BENCHMARKS["world-caption"].judge(said, answers)
    assert first > 1 and read
    assert (second, unread) == (0, False)


@given(st.sampled_from(sorted(BENCHMARKS)), st.text())
def test_any_text_gets_a_score(benchmark, text):
    answer = {"world-choice": "A", "world-match": "True", "world-grounding": "[0,0,1,1]"}.get(benchmark, "a star")
    ((score, parsed),) = BENCHMARKS[benchmark].judge([text], [(answer,)])
    assert 0 <= score <= 10 and (parsed or score == 0)


@pytest.mark.parametrize(
    ("sample", "answers"),
    [
        (VQA, ("Red",)),
        (CHOICE, ("B",)),
        (GROUNDING, (f"[0.1,0.2,{1 / 3!r},0.4]",)),
        (MATCH, ("False",)),
        (CAPTION, ("One.", "Two.")),
    ],
)
def test_what_is_right_of_a_sample_scores_one(sample, answers):
    benchmark = BENCHMARKS[sample.source]
    assert benchmark.of(listed(VQA, CHOICE, GROUNDING, MATCH, CAPTION)) == [sample]
    assert answers_of(sample) == answers
    if sample is not CAPTION:
        assert benchmark.judge([answers[0] + "."], [answers]) == [(1.0, True)]


def changed(sample, **changes):
    return Sample(**{**{name: getattr(sample, name) for name in sample.__dataclass_fields__}, **changes})


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [
        (changed(MATCH, source="world-vqa"), "sample m of world-vqa is no vqa"),
        (changed(VQA, questions=(Question(question="?", answer="."),)), "sample q: its answer cannot be read"),
        (
            changed(CHOICE, questions=(Question(question="?", answer="Green", options=("Red",)),)),
            "'Green' is not one of the options",
        ),
    ],
)
def test_samples_that_cannot_be_scored_are_refused_with_a_sentence(sample, sentence):
    with pytest.raises(ConfigError, match=sentence):
        benchmark_named(sample.source).of(listed(sample))


def test_chat_cannot_be_scored():
    with pytest.raises(SampleError, match="cannot be scored"):
        answers_of(Sample(id="x", image="a.png", task="chat", source="x", replies=("Hello.", "Hello.")))


def test_an_unknown_benchmark_is_refused():
    with pytest.raises(ConfigError, match="must be one of world-caption, world-vqa"):
        benchmark_named("world")
