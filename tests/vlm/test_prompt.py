"""From a sample to ids and labels: token by token, in all three orders, and whatever is left out."""

import dataclasses
import itertools
import unicodedata

import pytest
from golden_turns import GOLDEN
from hypothesis import given, settings
from hypothesis import strategies as st
from small_vlm import SAMPLES, samples

from training.config import ConfigError
from vlm.prompt import ORDERS, PATCH, UNSCORED, image_block, lay_out, singles
from vlm.sample import TASKS, Question, Region, SampleError
from vlm.templates import turns_of
from vlm.vision import image_tokens
from vlm.vocabulary import END, read_vocabulary

WHOLE, WORLD = read_vocabulary("gpt-neox-20b"), read_vocabulary("world")
grids = st.tuples(st.integers(1, 4), st.integers(1, 5))
MANY = ("dense_captioning", "visual_grounding", "vqa", "chat")


def cut(text):
    """Its ids, by the tokenizer as it comes."""
    return WHOLE.tokenizer.encode(text, add_special_tokens=False).ids


def by_hand(instruction, others, order, grid):
    """Ids and labels as section 2 of the facts says them."""
    rows, columns = grid
    image = [4118]
    for row in range(rows):
        image += [-200] * columns + ([10494] if row < rows - 1 else [4118])
    first_answer = next(n for n, text in enumerate(others) if text.startswith("*"))
    place = {"task-agnostic": 0, "task-aware": 1, "query-first": 1 + first_answer}[order]
    parts = [(cut(text.removeprefix("*")), text.startswith("*")) for text in [instruction, *others]]
    parts.insert(place, (image, False))
    ids = [number for part, _ in parts for number in part]
    labels = [number if is_target else -100 for part, is_target in parts for number in part]
    return tuple(ids), tuple(labels)


@pytest.mark.parametrize("grid", [(2, 2), (2, 3), (3, 1), (1, 4)], ids=str)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("sample", "instruction", "others"), GOLDEN)
def test_ids_and_labels_are_those_of_the_paper(sample, instruction, others, order, grid):
    if order == "query-first" and sum(text.startswith("*") for text in others) > 1:
        with pytest.raises(SampleError, match=r"2 answers, and query-first takes one: see `singles`"):
            lay_out(sample, order, WHOLE, grid)
        return
    layout = lay_out(sample, order, WHOLE, grid)
    assert (layout.ids, layout.labels) == by_hand(instruction, others, order, grid)


def test_a_question_is_laid_out_in_these_very_ids():
    sample = dataclasses.replace(SAMPLES["vqa"], questions=(Question(question="Is it?", answer="Yes"),))
    layout = lay_out(sample, "task-agnostic", WHOLE, (1, 2))
    assert layout.ids[:5] == (4118, PATCH, PATCH, 4118, 32869)  # "Answer"
    assert layout.ids[-13:] == (187, 23433, 27, 1680, 352, 32, 187, 32869, 27, 209, 4374, 15, 0)
    assert layout.labels[-4:] == (UNSCORED, 4374, 15, 0)
    assert layout.targets == 3


def test_the_instruction_of_grounded_multiple_choice_ends_in_two_newlines_of_one_token_each():
    ids = lay_out(SAMPLES["grounded_multiple_choice_vqa"], "task-agnostic", WHOLE, (1, 1)).ids
    assert (187, 187) in itertools.pairwise(ids)


@given(grids)
def test_the_image_block_is_rows_of_patches(grid):
    rows, columns = grid
    block = image_block(WHOLE, grid)
    assert len(block) == 1 + rows * (columns + 1) == image_tokens(grid)
    assert block.count(PATCH) == rows * columns
    assert block[0] == block[-1] == 4118
    assert [place for place, number in enumerate(block) if number == 10494] == [
        row * (columns + 1) for row in range(1, rows)
    ]


@settings(max_examples=150, deadline=None)
@given(samples(), st.sampled_from(ORDERS), grids, st.sampled_from(["kept", "lowered"]))
def test_labels_repeat_the_ids_of_the_answers_and_these_read_as_the_answers(sample, order, grid, case):
    sample = next(singles(sample)) if order == "query-first" else sample
    if order == "query-first" and sample.task == "chat":
        sample = dataclasses.replace(sample, replies=sample.replies[:2])
    layout = lay_out(sample, order, WORLD, grid, case=case)
    assert len(layout.ids) == len(layout.labels)
    assert all(label in (UNSCORED, number) for number, label in zip(layout.ids, layout.labels, strict=True))
    answers = [turn.text for turn in turns_of(sample, case) if turn.is_target]
    if sample.task in ("chat", "dense_captioning"):
        answers[-1] += END
    pieces = [layout.ids[piece.start : piece.end] for piece in layout.pieces]
    assert sum(pieces, ()) == layout.ids
    said = [WORLD.decode(ids) for ids, piece in zip(pieces, layout.pieces, strict=True) if piece.name == "answer"]
    assert said == [unicodedata.normalize("NFC", answer) for answer in answers]
    assert layout.ids.count(PATCH) == grid[0] * grid[1]
    assert layout.labels[0] == UNSCORED, "no sample begins with a target: the model relies on it"


@settings(max_examples=100, deadline=None)
@given(samples(), st.sampled_from(ORDERS), grids)
def test_a_prompt_is_the_beginning_of_the_whole_and_the_answer_is_the_rest(sample, order, grid):
    sample = next(singles(sample)) if order == "query-first" else sample
    if sample.task == "chat":
        sample = dataclasses.replace(sample, replies=sample.replies[:2])
    whole, prompt = (lay_out(sample, order, WORLD, grid, with_answers=answers) for answers in (True, False))
    assert whole.ids[: len(prompt.ids)] == prompt.ids
    assert prompt.targets == 0
    first = next(place for place, label in enumerate(whole.labels) if label != UNSCORED)
    assert len(prompt.ids) == first
    if whole.targets == len(whole.ids) - first:
        assert prompt.ids + whole.labels[first:] == whole.ids


@settings(max_examples=150, deadline=None)
@given(samples(("vqa", "dense_captioning", "visual_grounding")), st.sampled_from(ORDERS[:2]), st.data())
def test_pairs_that_do_not_fit_are_left_out_from_the_last_one_on(sample, order, data):
    name = "questions" if sample.questions else "regions"
    parts = getattr(sample, name)
    wholes = [
        lay_out(dataclasses.replace(sample, **{name: parts[:n]}), order, WORLD, (2, 2))
        for n in range(1, len(parts) + 1)
    ]
    limit = data.draw(st.integers(len(wholes[0].ids), len(wholes[-1].ids) + 1))
    layout = lay_out(sample, order, WORLD, (2, 2), max_length=limit)
    most = max(n for n, whole in enumerate(wholes) if len(whole.ids) <= limit)
    assert (layout.ids, layout.labels) == (wholes[most].ids, wholes[most].labels)
    assert layout.answers_cut == len(parts) - 1 - most
    assert layout.ids[-1] == layout.labels[-1] == WORLD.end
    with pytest.raises(SampleError, match=rf"needs {len(wholes[0].ids)} tokens, and max_length is "):
        lay_out(sample, order, WORLD, (2, 2), max_length=len(wholes[0].ids) - 1)


def test_a_conversation_that_is_cut_ends_behind_an_answer_with_the_end_token():
    whole = lay_out(SAMPLES["chat"], "task-agnostic", WORLD, (2, 2))
    layout = lay_out(SAMPLES["chat"], "task-agnostic", WORLD, (2, 2), max_length=len(whole.ids) - 1)
    assert WORLD.decode(layout.ids[-10:]).endswith(f"A red circle.\n{END}")
    assert (layout.answers_cut, whole.answers_cut) == (1, 0)
    open_ended = dataclasses.replace(SAMPLES["chat"], replies=(*SAMPLES["chat"].replies, "And now?"))
    assert lay_out(open_ended, "task-agnostic", WORLD, (2, 2)).ids == whole.ids


def test_an_unknown_order_is_refused():
    with pytest.raises(ConfigError, match="order must be one of task-agnostic, task-aware, query-first"):
        lay_out(SAMPLES["vqa"], "image-first", WORLD, (2, 2))


@pytest.mark.parametrize(
    "changes", [{"task": "chat", "replies": ("Hello?",)}, {"questions": (Question(question="Q?", answer=" "),)}]
)
def test_a_sample_without_an_answer_is_refused(changes):
    with pytest.raises(SampleError, match="has nothing to answer"):
        lay_out(dataclasses.replace(SAMPLES["vqa"], **changes), "task-agnostic", WORLD, (2, 2))


def test_singles_ask_one_thing_each_and_have_names_of_their_own():
    for task in MANY[:3]:
        parts = list(singles(SAMPLES[task]))
        assert [part.id for part in parts] == [f"{SAMPLES[task].id}.{n}" for n in range(2)]
        assert sum((part.questions for part in parts), ()) == SAMPLES[task].questions
        assert sum((part.regions for part in parts), ()) == SAMPLES[task].regions
        for part in parts:
            assert lay_out(part, "query-first", WORLD, (2, 2)).targets > 0
            assert list(singles(part)) == [part]
    for task in set(TASKS) - {*MANY}:
        assert list(singles(SAMPLES[task])) == [SAMPLES[task]]


def test_query_first_has_the_query_before_the_picture():
    layout = lay_out(next(singles(SAMPLES["visual_grounding"])), "query-first", WORLD, (2, 2))
    assert [piece.name for piece in layout.pieces] == ["instruction", "query", "image", "answer"]


def test_a_region_in_a_lowered_case_keeps_its_box():
    sample = dataclasses.replace(SAMPLES["visual_grounding"], regions=(Region(box=(0, 0, 1, 1), phrase="The FLAG"),))
    layout = lay_out(sample, "task-aware", WORLD, (2, 2), case="lowered")
    assert "The flag." in WORLD.decode([number for number in layout.ids if number != PATCH])
    assert WORLD.decode(layout.ids[-18:]) == f"[0.00,0.00,1.00,1.00].{END}"
