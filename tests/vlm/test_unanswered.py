"""Samples of test sets whose answers are not given out: they can be asked, in all orders, and not be trained on."""

import dataclasses

import pytest
from golden_samples import spoken
from small_vlm import SAMPLES

from vlm.prompt import ORDERS, lay_out, singles
from vlm.sample import Question, Region, SampleError
from vlm.templates import opening_of, turns_of
from vlm.vocabulary import read_vocabulary

WORLD = read_vocabulary("world")


def without_answers(sample):
    """The same question with `answered` false."""
    hidden = {
        "caption": sample.caption if sample.task == "image_text_match" else "",
        "matches": None,
        "boxes": (),
        "questions": tuple(dataclasses.replace(question, answer="") for question in sample.questions),
        "replies": sample.replies[:1],
    }
    if sample.task == "dense_captioning":
        hidden["regions"] = tuple(Region(box=region.box, phrase="") for region in sample.regions)
    return dataclasses.replace(sample, answered=False, **hidden)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("task", SAMPLES)
def test_a_sample_without_its_answers_is_asked_like_one_with_them(task, order):
    [first, *_] = singles(SAMPLES[task])
    if task == "chat":
        first = dataclasses.replace(first, replies=first.replies[:2])
    trained = lay_out(first, order, WORLD, (2, 2))
    for sample in (without_answers(first), without_answers(SAMPLES[task])):
        asked = lay_out(sample, order, WORLD, (2, 2), with_answers=False)
        assert asked.ids == trained.ids[: len(asked.ids)]
        assert asked.pieces == trained.pieces[:-1], "all but the answer"
        assert asked.targets == asked.answers_cut == 0


@pytest.mark.parametrize("task", SAMPLES)
def test_a_sample_without_its_answers_cannot_be_trained_on(task):
    sample = without_answers(SAMPLES[task])
    for order in ORDERS:
        with pytest.raises(SampleError, match=rf"sample {sample.id} \({task}\) .* its answers are not given out"):
            lay_out(sample, order, WORLD, (2, 2))
    with pytest.raises(SampleError, match="not given out"):
        turns_of(sample)


@pytest.mark.parametrize("published", [False, True])
def test_what_is_asked_reads_like_this(published):
    def asked(task, order="task-agnostic"):
        sample = dataclasses.replace(without_answers(SAMPLES[task]), as_published=published)
        return spoken(sample, order, with_answers=False)

    query = "\nQuestion: How many shapes are there?\nAnswer: "
    choice = "Answer with the option's letter from the given choices directly."
    assert asked("captioning") == ["IMAGE", "Provide a one-sentence caption for the provided image.\n"]
    assert asked("vqa") == ["IMAGE", "Answer the question using a single word or phrase." + query]
    assert asked("vqa", "task-aware") == ["Answer the question using a single word or phrase.", "IMAGE", query]
    assert asked("vqa", "query-first") == ["Answer the question using a single word or phrase." + query, "IMAGE"]
    assert asked("multiple_choice_vqa", "task-aware") == [
        choice,
        "IMAGE",
        "\nQuestion: What color is the star?\nA: Red\nB: Blue\nC: Green\nD: White\nAnswer: ",
    ]
    assert asked("grounded_multiple_choice_vqa", "query-first") == [
        f"{choice}\n\nQuestion: Where is the star?\nA: [0.00,0.10,0.20,0.30].\nB: [0.50,0.50,0.75,1.00].\nAnswer: ",
        "IMAGE",
    ]
    assert asked("image_text_match") == [
        "IMAGE",
        "Determine if the image matches the description:\nThere is a red circle.\n",
    ]


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_a_question_whose_answer_is_empty_can_be_asked_and_is_the_one_that_is_asked(order, answered):
    questions = (Question(question="What is it?", answer=" "), *SAMPLES["vqa"].questions)
    for some in (questions[:1], questions):
        sample = dataclasses.replace(SAMPLES["vqa"], questions=some, answered=answered)
        assert [turn.text for turn in opening_of(sample)][1:] == ["\nQuestion: What is it?\nAnswer: "]
        layout = lay_out(sample, order, WORLD, (2, 2), with_answers=False)
        assert sorted(piece.name for piece in layout.pieces) == ["image", "instruction", "query"]


def test_more_options_than_letters_are_refused_without_an_answer_too():
    sample = dataclasses.replace(
        without_answers(SAMPLES["multiple_choice_vqa"]),
        questions=(Question(question="Which?", answer="", options=tuple(map(str, range(27)))),),
    )
    with pytest.raises(SampleError, match="27 options, and there are 26 letters"):
        lay_out(sample, "task-agnostic", WORLD, (2, 2), with_answers=False)
