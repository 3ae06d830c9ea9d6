"""Samples that lack what is asked for, and what a model reads of them."""

import json

import pytest
from small_vlm import SAMPLES, small_model

from vlm.sample import SampleError, to_line
from vlm.talk import _prompt, asked_in_line
from vlm.templates import turns_of

ANSWERS = ("answer", "matches", "references", "boxes")


def without_answers(sample):
    line = json.loads(to_line(sample))
    if sample.task in ("captioning", "grounded_captioning"):
        del line["caption"]
    line = {name: value for name, value in line.items() if name not in ANSWERS}
    for question in line.get("questions", ()):
        del question["answer"]
    for region in line.get("regions", ()):
        del region["phrase" if sample.task == "dense_captioning" else "box"]
    if sample.task == "chat":
        line["replies"].pop()
    return json.dumps(line)


def asked(sample):
    return [turn.text for turn in turns_of(sample) if not turn.is_target]


@pytest.mark.parametrize("task", SAMPLES)
def test_what_is_asked_does_not_depend_on_answers_that_are_left_out(task):
    sample = SAMPLES[task]
    assert asked(asked_in_line(without_answers(sample))) == asked(sample)
    assert asked_in_line(to_line(sample)) == sample


def test_a_chat_that_ends_with_the_person_is_read_to_its_end():
    model, sample = small_model(), asked_in_line(without_answers(SAMPLES["chat"]))
    prompt = _prompt(model, sample, "task-agnostic")
    assert model.vocabulary.decode(prompt.ids[prompt.pieces[-1].start :]) == "And to the left of it?\n"
    assert len(prompt.ids) == len(prompt.labels) == prompt.pieces[-1].end


@pytest.mark.parametrize("line", ["[]", "{", '"a"', '{"questions": [3]}', '{"regions": 3}', '{"task": "chat"}'])
def test_what_is_no_sample_stays_none(line):
    with pytest.raises(SampleError):
        asked_in_line(line)
