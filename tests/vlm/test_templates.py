"""What is said around a picture, against strings written by hand from section 4 of the facts."""

import itertools

import pytest
from golden_turns import GOLDEN, changed
from hypothesis import given
from hypothesis import strategies as st
from small_vlm import samples

from vlm.sample import TASKS, Question, Region, SampleError
from vlm.templates import INSTRUCTIONS, letter_of, letters_of, opening_of, turns_of, written
from vlm.vocabulary import END as E


@pytest.mark.parametrize(("sample", "instruction", "others"), GOLDEN)
def test_turns_are_those_of_the_paper(sample, instruction, others):
    first, *turns = turns_of(sample)
    assert (first.text, first.role) == (instruction, "instruction")
    told = "".join(("*" if turn.is_target else "") + turn.text for turn in turns)
    assert told == "".join(others).removesuffix(E if sample.task in ("chat", "dense_captioning") else "")


def test_there_is_a_golden_sample_of_each_task():
    assert {sample.task for sample, _, _ in GOLDEN} == set(TASKS) == {*INSTRUCTIONS, "chat"}


@pytest.mark.parametrize(
    ("text", "kept", "lowered"),
    [
        (" the NASA logo ", "The NASA logo.", "The nasa logo."),
        ("Is this Paris?", "Is this Paris?", "Is this paris?"),
        ("no!", "No!", "No!"),
        ("3", "3.", "3."),
        ("||a dog||", "||a dog||.", "||a dog||."),
        ("ÉCOLE", "ÉCOLE.", "École."),
    ],
)
def test_case_is_kept_or_lowered_behind_the_first_letter(text, kept, lowered):
    assert (written(text, "kept"), written(text, "lowered")) == (kept, lowered)
    assert written(text, "lowered", stop=False) == lowered.rstrip(".")


def test_lowered_is_the_papers_capitalisation_of_everything_but_instructions():
    lowered = [turn.text for turn in turns_of(changed("chat", replies=("WHO is It?", "MAX")), "lowered")]
    assert lowered == ["Who is it?\n", "Max.\n"]
    caption = turns_of(changed("captioning", prompt="About NASA", caption="NASA Logo"), "lowered")
    assert [turn.text for turn in caption] == ["About NASA\n", f"Nasa logo.{E}"]
    verbatim = changed("vqa", source="docvqa", questions=(Question(question="Whose ID", answer="Mr. X"),))
    assert turns_of(verbatim, "lowered") == turns_of(verbatim, "kept")


@given(samples())
def test_an_instruction_comes_first_and_answers_follow_queries(sample):
    roles = [turn.role for turn in turns_of(sample)]
    assert roles.index("instruction") == 0
    assert roles.count("instruction") == 1
    direct = sample.task in ("captioning", "grounded_captioning", "chat")
    assert roles[1] == ("answer" if direct else "query")
    assert all(one != other for one, other in itertools.pairwise(roles))


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (Question(question="Q?", answer="green", options=("red", "blue")), "'green' is not one of the options"),
        (
            Question(question="Q?", answer="red", options=("red", "blue", "red")),
            r"'red' is 2 of the options \['red', 'blue', 'red'\], and one letter alone can be trained on",
        ),
        (
            Question(question="Q?", answer="0", options=tuple(map(str, range(27)))),
            "27 options, and there are 26 letters",
        ),
    ],
)
def test_a_question_without_one_letter_is_refused(question, sentence):
    with pytest.raises(SampleError, match=sentence):
        letter_of(question)
    with pytest.raises(SampleError, match=sentence):
        turns_of(changed("multiple_choice_vqa", questions=(question,)))


@pytest.mark.parametrize(
    ("answer", "options", "letters"),
    [
        ("red", ("red", "blue", "red"), ("A", "C")),
        ("blue", ("red", "blue", "red"), ("B",)),
        ("red", ("Red", "red"), ("B",)),
        ("", ("red", ""), ("B",)),
        ("[0.10,0.20,0.50,0.60]", ((0.1, 0.2, 0.5, 0.6), (0, 0, 1, 1), (0.101, 0.2, 0.5, 0.6)), ("A", "C")),
        ("25", tuple(map(str, range(26))), ("Z",)),
    ],
)
def test_all_options_that_are_the_answer_have_their_letters(answer, options, letters):
    question = Question(question="Q?", answer=answer, options=options)
    assert letters_of(question) == letters
    assert letter_of(question, first_match=True) == letters[0]
    if len(letters) == 1:
        assert letter_of(question) == letters[0]


@pytest.mark.parametrize("options", [(), ("red", "blue"), tuple(map(str, range(27)))])
def test_an_answer_that_is_no_option_has_no_letters(options):
    with pytest.raises(SampleError, match=r"'0' is not one of the options|27 options, and there are 26 letters"):
        letters_of(Question(question="Q?", answer="0", options=options))


def test_a_question_with_two_right_options_can_be_asked():
    twice = Question(question="which Is it", answer="red", options=("red", "blue", "red"))
    asked = opening_of(changed("multiple_choice_vqa", questions=(twice,)))
    assert [turn.text for turn in asked] == [
        "Answer with the option's letter from the given choices directly.",
        "\nQuestion: Which Is it.\nA: Red\nB: Blue\nC: Red\nAnswer: ",
    ]


@given(samples(), st.sampled_from(["kept", "lowered"]))
def test_what_is_asked_is_how_the_turns_begin(sample, case):
    asked, turns = opening_of(sample, case), turns_of(sample, case)
    assert turns[: len(asked)] == asked
    assert turns[len(asked)].is_target and not any(turn.is_target for turn in asked)


def test_a_caption_that_names_a_box_which_is_not_there_is_refused():
    with pytest.raises(SampleError, match="sample 2: <coords_1> in its caption has no box, of 1"):
        turns_of(changed("grounded_captioning", boxes=((0, 0, 1, 1),)))


def test_a_box_outside_of_the_picture_is_refused():
    with pytest.raises(SampleError, match="does not lie inside the picture"):
        changed("visual_grounding", regions=(Region(box=(0, 0, 1.2, 1), phrase="a"),))
