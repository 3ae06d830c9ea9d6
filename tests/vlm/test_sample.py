"""What a sample has to hold, and that a line of a file gives it back."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_vlm import SAMPLES, boxes, samples

from vlm.sample import Question, Region, SampleError, from_line, to_line

some_texts = st.lists(st.text(max_size=5), max_size=3).map(tuple)


@st.composite
def with_everything(draw):
    """Samples whose every field may hold something, answers given out or not."""
    region = st.builds(Region, box=boxes, phrase=st.text(), id=st.text(max_size=5))
    options = some_texts | st.lists(boxes, max_size=3).map(tuple)
    fields = {"question": st.text(), "answer": st.text(), "options": options, "kind": st.text(max_size=5)}
    question = st.builds(Question, **fields, id=st.text(max_size=5), answers=some_texts)
    holds = {
        "prompt": st.text(max_size=5),
        "group": st.text(max_size=5),
        "context": st.text(max_size=5),
        "references": some_texts,
        "known_as": some_texts,
        "answered": st.booleans(),
        "as_published": st.booleans(),
    }
    sample = draw(samples())
    if sample.regions:
        holds["regions"] = st.lists(region, min_size=1, max_size=3).map(tuple)
    if sample.questions:
        holds["questions"] = st.lists(question, min_size=1, max_size=3).map(tuple)
    return dataclasses.replace(sample, **{name: draw(value) for name, value in holds.items()})


@given(with_everything())
def test_a_line_gives_back_the_sample(sample):
    line = to_line(sample)
    assert from_line(line) == sample
    assert len(line.splitlines()) == 1


def test_a_line_says_nothing_of_what_is_usual():
    assert not json.loads(to_line(SAMPLES["vqa"])).keys() & {"answered", "as_published", "known_as"}
    assert json.loads(to_line(SAMPLES["vqa"]))["questions"][0].keys() == {"question", "answer", "options", "kind"}
    unusual = dataclasses.replace(SAMPLES["vqa"], answered=False, as_published=True)
    assert json.loads(to_line(unusual)).items() >= {"answered": False, "as_published": True}.items()


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        ("captioning", {"caption": ""}),
        ("grounded_captioning", {"caption": "", "boxes": ()}),
        ("image_text_match", {"matches": None}),
    ],
)
def test_what_is_asked_for_is_lacking_only_where_answers_are_not_given_out(task, changes):
    hidden = dataclasses.replace(SAMPLES[task], answered=False, **changes)
    assert from_line(to_line(hidden)) == hidden
    with pytest.raises(SampleError, match=r"has no (caption|matches)"):
        dataclasses.replace(hidden, answered=True)


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        ("vqa", {"questions": ()}),
        ("multiple_choice_vqa", {"questions": ()}),
        ("image_text_match", {"caption": ""}),
        ("visual_grounding", {"regions": ()}),
        ("dense_captioning", {"regions": ()}),
        ("chat", {"replies": ()}),
    ],
)
def test_what_is_asked_about_is_there_without_answers_too(task, changes):
    for answered in (True, False):
        with pytest.raises(SampleError, match=f"has no {next(iter(changes))}"):
            dataclasses.replace(SAMPLES[task], answered=answered, **changes)


def test_a_choice_keeps_its_options_without_its_answer():
    for task in ("multiple_choice_vqa", "grounded_multiple_choice_vqa"):
        questions = tuple(dataclasses.replace(asked, answer="") for asked in SAMPLES[task].questions)
        hidden = dataclasses.replace(SAMPLES[task], answered=False, questions=questions)
        assert from_line(to_line(hidden)) == hidden
        assert hidden.questions[0].options == SAMPLES[task].questions[0].options
