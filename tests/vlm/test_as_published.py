"""Samples laid out as by the public implementation, where that is known to be wrong (section 8 D of the facts), beside
how they are laid out by default."""

import dataclasses
import itertools

import pytest
from golden_samples import spoken
from hypothesis import given, settings
from hypothesis import strategies as st
from small_vlm import SAMPLES, samples

from vlm.evaluate.benchmark import answers_of
from vlm.prompt import ORDERS, UNSCORED, image_block, lay_out, singles
from vlm.sample import TASKS, Question, SampleError
from vlm.templates import letter_of
from vlm.vocabulary import END as E
from vlm.vocabulary import read_vocabulary

WHOLE, WORLD = read_vocabulary("gpt-neox-20b"), read_vocabulary("world")
INSTRUCTION = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."


def both_ways(task, **changes):
    """A sample laid out by default, and as published."""
    sample = dataclasses.replace(SAMPLES[task], **changes)
    return sample, dataclasses.replace(sample, as_published=True)


def pack(**answers):
    """A question of each word, with its answer."""
    return tuple(Question(question=f"{word.capitalize()}?", answer=answer) for word, answer in answers.items())


def query(word):
    return f"\nQuestion: {word}?\nAnswer: "


# D4: what carries loss goes by the number of the turn


@pytest.mark.parametrize(
    ("questions", "right", "published"),
    [
        (
            pack(how="", what="blue", where="left"),
            [INSTRUCTION + query("What"), f"*Blue.{E}", query("Where"), f"*Left.{E}"],
            [INSTRUCTION + query("How"), "*" + query("What"), f"Blue.{E}", "*" + query("Where"), f"Left.{E}"],
        ),
        (
            pack(how="3", what=" ", where="left"),
            [INSTRUCTION + query("How"), f"*3.{E}", query("Where"), f"*Left.{E}"],
            [INSTRUCTION + query("How"), f"*3.{E}", query("What"), "*" + query("Where"), f"Left.{E}"],
        ),
        (
            pack(how="", what="", where="left"),
            [INSTRUCTION + query("Where"), f"*Left.{E}"],
            [INSTRUCTION + query("How"), "*" + query("What"), query("Where"), f"*Left.{E}"],
        ),
        (
            pack(how="3", what=""),
            [INSTRUCTION + query("How"), f"*3.{E}"],
            [INSTRUCTION + query("How"), f"*3.{E}", query("What")],
        ),
    ],
)
def test_a_question_without_an_answer_is_left_out_and_shifts_what_carries_loss_as_published(
    questions, right, published
):
    default, wrong = both_ways("vqa", questions=questions)
    assert spoken(default) == ["IMAGE", *right]
    assert spoken(wrong) == ["IMAGE", *published]
    assert spoken(wrong, "task-aware")[:3] == [INSTRUCTION, "IMAGE", published[0].removeprefix(INSTRUCTION)]


def test_the_labels_of_shifted_turns_are_these_very_ids():
    _, wrong = both_ways("vqa", questions=pack(how="", what="blue"))
    layout = lay_out(wrong, "task-agnostic", WHOLE, (1, 1))
    turns = (INSTRUCTION, query("How"), query("What"), f"Blue.{E}")
    cut = [WHOLE.tokenizer.encode(text, add_special_tokens=False).ids for text in turns]
    shifted = [187, 23433, 27, 1737, 32, 187, 32869, 27, 209]
    assert cut[2] == shifted
    assert list(layout.ids) == [4118, -200, 4118, *itertools.chain(*cut)]
    assert list(layout.labels) == [-100] * (3 + len(cut[0]) + len(cut[1])) + shifted + [-100] * len(cut[3])


@pytest.mark.parametrize("order", ORDERS)
def test_a_sample_of_nothing_but_empty_answers_is_refused_and_has_no_targets_as_published(order):
    default, wrong = both_ways("vqa", questions=pack(how=""))
    with pytest.raises(SampleError, match="has nothing to answer"):
        lay_out(default, order, WORLD, (2, 2))
    layout = lay_out(wrong, order, WORLD, (2, 2))
    assert layout.targets == 0
    assert layout.ids == lay_out(wrong, order, WORLD, (2, 2), with_answers=False).ids


# D13: the letter of the first match


def test_an_option_that_stands_there_twice_is_refused_and_has_the_first_letter_as_published():
    question = Question(question="What color?", answer="red", options=("blue", "red", "red"))
    default, wrong = both_ways("multiple_choice_vqa", questions=(question,))
    with pytest.raises(SampleError, match="'red' is 2 of the options"):
        spoken(default)
    assert spoken(wrong)[-1] == f"*B.{E}"
    assert letter_of(question, first_match=True) == "B"
    assert answers_of(wrong) == ("B",)
    layout = lay_out(wrong, "task-agnostic", WHOLE, (1, 1))
    assert [label for label in layout.labels if label != UNSCORED] == [35, 15, 0]


@pytest.mark.parametrize("options", [("blue", "green"), tuple(map(str, range(27)))])
def test_an_option_that_is_not_there_has_no_letter_either_way(options):
    for sample in both_ways("multiple_choice_vqa", questions=(Question(question="?", answer="red", options=options),)):
        with pytest.raises(SampleError):
            lay_out(sample, "task-agnostic", WORLD, (2, 2))


# D14: cut wherever it falls


@settings(max_examples=150, deadline=None)
@given(samples(), st.sampled_from(ORDERS[:2]), st.sampled_from(["kept", "lowered"]), st.data())
def test_as_published_ids_and_labels_are_the_first_ones(sample, order, case, data):
    wrong = dataclasses.replace(sample, as_published=True)
    whole = lay_out(wrong, order, WORLD, (2, 2), case=case)
    image = next(piece for piece in whole.pieces if piece.name == "image")
    length = data.draw(st.integers(image.end, len(whole.ids) + 3))
    layout = lay_out(wrong, order, WORLD, (2, 2), case=case, max_length=length)
    assert (layout.ids, layout.labels) == (whole.ids[:length], whole.labels[:length])
    assert sum((layout.ids[piece.start : piece.end] for piece in layout.pieces), ()) == layout.ids
    assert [piece.name for piece in layout.pieces] == [piece.name for piece in whole.pieces][: len(layout.pieces)]
    ends = [piece.end for piece in whole.pieces if piece.name == "answer"]
    assert layout.answers_cut == sum(end > length for end in ends)


def test_an_answer_that_does_not_fit_is_left_out_and_cut_as_published():
    default, wrong = both_ways("vqa")
    for vocabulary in (WHOLE, WORLD):
        whole = lay_out(default, "task-agnostic", vocabulary, (2, 2))
        length = len(whole.ids) - 1
        left_out, cut = (
            lay_out(sample, "task-agnostic", vocabulary, (2, 2), max_length=length) for sample in (default, wrong)
        )
        assert vocabulary.decode([label for label in left_out.labels if label != UNSCORED]) == f"3.{E}"
        assert vocabulary.decode([label for label in cut.labels if label != UNSCORED]) == f"3.{E}Blue."
        assert left_out.answers_cut == cut.answers_cut == 1


def test_a_sample_whose_first_answer_does_not_fit_is_refused_and_has_no_targets_as_published():
    default, wrong = both_ways("captioning")
    asked = len(lay_out(default, "task-agnostic", WORLD, (2, 2), with_answers=False).ids)
    with pytest.raises(SampleError, match=f"and max_length is {asked}"):
        lay_out(default, "task-agnostic", WORLD, (2, 2), max_length=asked)
    layout = lay_out(wrong, "task-agnostic", WORLD, (2, 2), max_length=asked)
    assert (layout.targets, len(layout.ids), layout.answers_cut) == (0, asked, 1)
    assert layout.labels == (UNSCORED,) * asked


@pytest.mark.parametrize("order", ORDERS)
def test_a_picture_is_never_cut(order):
    _, wrong = both_ways("image_text_match")
    whole = lay_out(wrong, order, WORLD, (2, 2))
    picture = next(piece for piece in whole.pieces if piece.name == "image")
    assert (
        picture.end
        == {
            "task-agnostic": 7,
            "task-aware": 7 + whole.pieces[0].end,
            "query-first": 7 + whole.pieces[1].end,
        }[order]
    )
    at_the_border = lay_out(wrong, order, WORLD, (2, 2), max_length=picture.end)
    assert at_the_border.ids[-7:] == image_block(WORLD, (2, 2))
    with pytest.raises(SampleError, match=f"{picture.end} tokens for its picture, and max_length is {picture.end - 1}"):
        lay_out(wrong, order, WORLD, (2, 2), max_length=picture.end - 1)


@pytest.mark.parametrize("task", ["dense_captioning", "chat"])
def test_a_cut_dialogue_has_no_end_token_as_published(task):
    default, wrong = both_ways(task)
    whole = lay_out(wrong, "task-agnostic", WORLD, (2, 2))
    assert whole.ids == lay_out(default, "task-agnostic", WORLD, (2, 2)).ids
    for sample, end in ((default, WORLD.end), (wrong, whole.ids[-2])):
        assert lay_out(sample, "task-agnostic", WORLD, (2, 2), max_length=len(whole.ids) - 1).ids[-1] == end != 7


# D15: what two benchmarks ask is not what was trained on


def asked_and_trained(sample):
    """Task-aware, which shows where the instruction ends: the prompt, and all of it with its answer."""
    return spoken(sample, "task-aware", with_answers=False), spoken(sample, "task-aware")


@pytest.mark.parametrize("source", ["pope_adversarial", "pope_popular", "pope_random"])
def test_pope_asks_as_it_was_trained_and_as_published_with_the_question_alone(source):
    question = Question(question="is There a CAR", answer="no")
    default, wrong = both_ways("vqa", source=source, questions=(question,))
    asked, trained = asked_and_trained(default)
    assert asked == [INSTRUCTION, "IMAGE", "\nQuestion: Is There a CAR.\nAnswer: "]
    assert trained == [*asked, f"*No.{E}"]
    asked, trained = asked_and_trained(wrong)
    assert asked == [f"{INSTRUCTION}\n", "IMAGE", "is There a CAR\n"]
    assert trained == [INSTRUCTION, "IMAGE", "\nQuestion: Is there a car.\nAnswer: ", f"*No.{E}"]


def test_pointing_questions_are_asked_as_trained_and_as_published_without_a_capital_and_with_one_newline():
    question = dataclasses.replace(SAMPLES["grounded_multiple_choice_vqa"].questions[0], question="which STAR is it")
    default, wrong = both_ways("grounded_multiple_choice_vqa", source="visual7w pointing", questions=(question,))
    options = "A: [0.00,0.10,0.20,0.30].\nB: [0.50,0.50,0.75,1.00].\nAnswer: "
    asked, trained = asked_and_trained(default)
    assert asked == [f"{LETTER}\n", "IMAGE", f"\nQuestion: Which STAR is it.\n{options}"]
    assert trained == [*asked, f"*B.{E}"]
    asked, trained = asked_and_trained(wrong)
    assert asked == [LETTER, "IMAGE", f"\nQuestion: which STAR is it.\n{options}"]
    assert trained == [f"{LETTER}\n", "IMAGE", f"\nQuestion: Which star is it.\n{options}", f"*B.{E}"]


@pytest.mark.parametrize(
    ("task", "source"),
    [
        ("vqa", "vqa_v2"),
        ("vqa", "text_vqa"),
        ("multiple_choice_vqa", "ai2d"),
        ("multiple_choice_vqa", "visual7w telling"),
        ("grounded_multiple_choice_vqa", "visual7w"),
        ("visual_grounding", "refcoco"),
        ("image_text_match", "vsr"),
        ("captioning", "coco"),
    ],
)
def test_all_others_ask_what_was_trained_as_published_too(task, source):
    for sample in both_ways(task, source=source):
        asked, trained = asked_and_trained(sample)
        assert trained[: len(asked)] == asked


# All else


@settings(max_examples=100, deadline=None)
@given(samples([task for task in TASKS if task != "chat"]), st.sampled_from(ORDERS))
def test_a_sound_sample_that_fits_is_laid_out_alike(sample, order):
    for part in singles(sample) if order == "query-first" else [sample]:
        default, wrong = (
            lay_out(dataclasses.replace(part, as_published=published), order, WORLD, (2, 2), case="lowered")
            for published in (False, True)
        )
        assert (default.ids, default.labels, default.pieces) == (wrong.ids, wrong.labels, wrong.pieces)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("task", TASKS)
def test_a_prompt_is_the_same_and_is_not_cut(task, order):
    prompts = [lay_out(sample, order, WORLD, (2, 2), with_answers=False) for sample in both_ways(task)]
    assert prompts[0].ids == prompts[1].ids
    length = len(prompts[0].ids)
    for sample in both_ways(task):
        assert lay_out(sample, order, WORLD, (2, 2), with_answers=False, max_length=length).ids == prompts[0].ids
        with pytest.raises(SampleError, match=f"needs {length} tokens, and max_length is {length - 1}"):
            lay_out(sample, order, WORLD, (2, 2), with_answers=False, max_length=length - 1)
