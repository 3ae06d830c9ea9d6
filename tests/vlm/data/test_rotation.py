"""One question with its right option at every letter: what turns, what stays, and which questions are refused."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm.data.errors import DroppedError, RecordError
from vlm.data.how import How
from vlm.data.records import Record
from vlm.data.rotation import inserted, require_one_right, rotated, settled, swapped, variants
from vlm.data.source import Source
from vlm.sample import Question
from vlm.templates import LETTERS, box_text, letter_of

RECORD = Record("train.json, record 12", {})
WORDS = st.text("abcde ", max_size=3)


@st.composite
def questions(draw):
    """With one right option, among others that may repeat."""
    wrong = draw(st.lists(WORDS, min_size=1, max_size=25))
    place = draw(st.integers(0, len(wrong)))
    return Question(question="Which?", answer="right", options=(*wrong[:place], "right", *wrong[place:]), id="7")


def source_of(split="train", **how):
    return Source(root=None, folder="", split=split, how=How(**how))


def asking(*options, answer="cab"):
    return Question(question="Which?", answer=answer, options=options, id="7")


@pytest.mark.parametrize("make", [rotated, swapped, inserted])
@given(question=questions())
def test_the_right_option_stands_once_at_each_letter_and_no_option_is_lost(make, question):
    made = make(question)
    assert sorted(map(letter_of, made)) == list(LETTERS[: len(question.options)])
    assert all(Counter(one.options) == Counter(question.options) for one in made)
    assert {(one.question, one.answer, one.id) for one in made} == {("Which?", "right", "7")}


@given(question=questions())
def test_rotation_moves_all_options_on_by_one_letter_each_time_and_begins_with_the_question_itself(question):
    made = rotated(question)
    assert made[0] == question
    for before, after in zip(made, made[1:] + made[:1], strict=True):
        assert after.options == before.options[-1:] + before.options[:-1]


@given(question=questions())
def test_an_exchange_moves_two_options_at_most(question):
    for one in swapped(question):
        moved = sum(new != old for new, old in zip(one.options, question.options, strict=True))
        assert moved <= 2


@given(question=questions())
def test_an_insertion_keeps_the_others_in_their_order(question):
    others = [option for option in question.options if option != "right"]
    assert all([option for option in one.options if option != "right"] == others for one in inserted(question))


def test_the_three_ways_differ():
    question = asking("van", "cab", "bus", "car")
    assert ["".join(option[0] + option[-1] for option in one.options) for one in rotated(question)] == [
        "vncbbscr",
        "crvncbbs",
        "bscrvncb",
        "cbbscrvn",
    ]
    assert swapped(question)[3].options == ("van", "car", "bus", "cab")
    assert inserted(question)[3].options == ("van", "bus", "car", "cab")


@pytest.mark.parametrize(
    ("split", "published", "expected"),
    [
        ("train", False, rotated),
        ("train", True, swapped),
        ("validation", False, lambda question: [question]),
        ("validation", True, swapped),
        ("test", False, lambda question: [question]),
        ("test", True, lambda question: [question]),
    ],
)
def test_only_training_is_augmented_and_as_published_validation_too(split, published, expected):
    question = asking("van", "cab", "bus", "car")
    assert variants(source_of(split, as_published=published), question, swapped) == expected(question)


@given(question=questions())
def test_a_settled_order_holds_the_same_options_and_is_the_same_whatever_they_are(question):
    assert Counter(settled(question).options) == Counter(question.options)
    numbered = asking(*map(str, range(len(question.options))))
    by_number = tuple(question.options[int(place)] for place in settled(numbered).options)
    assert settled(question).options == by_number


def test_settled_orders_put_the_right_option_at_each_letter_about_as_often():
    letters = Counter(
        letter_of(settled(Question(question="Which?", answer="a", options=("a", "b", "c", "d"), id=str(number))))
        for number in range(2_000)
    )
    assert letters.keys() == set("ABCD")
    assert all(440 < count < 560 for count in letters.values())


def test_the_settled_order_of_a_question_does_not_change_between_versions():
    assert settled(asking("a", "b", "c", "d")).options == ("c", "d", "a", "b")


@pytest.mark.parametrize("options", [("cab", "van", "cab"), ("cab", "van", "Cab")])
def test_a_question_whose_answer_stands_twice_among_its_options_is_dropped_but_not_as_published(options):
    question = asking(*options)
    with pytest.raises(DroppedError, match=r"^answer among the options more than once$") as dropped:
        require_one_right(source_of(), RECORD, question)
    assert dropped.value.what == RECORD.place
    assert require_one_right(source_of(as_published=True), RECORD, question) is question


def test_no_question_that_is_scored_is_dropped_for_an_answer_that_stands_twice():
    question = asking("cab", "van", "cab")
    assert require_one_right(source_of("test"), RECORD, question) is question
    with pytest.raises(RecordError):
        require_one_right(source_of("test"), RECORD, asking("van", "bus"))
    with pytest.raises(DroppedError):
        require_one_right(source_of("validation"), RECORD, question)


def test_boxes_that_are_written_alike_are_the_same_answer():
    first, alike, other = (0.1, 0.1, 0.4, 0.6), (0.101, 0.1, 0.4, 0.6), (0.1, 0.1, 0.4, 0.7)
    assert require_one_right(source_of(), RECORD, asking(first, other, other, answer=box_text(first)))
    with pytest.raises(DroppedError, match="more than once"):
        require_one_right(source_of(), RECORD, asking(first, alike, other, answer=box_text(first)))


def test_other_options_may_repeat():
    question = asking("van", "cab", "van", "van")
    assert require_one_right(source_of(), RECORD, question) is question


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("cab",), "it has 1 options, and should have 2 to 26"),
        (("cab", *map(str, range(26))), "it has 27 options, and should have 2 to 26"),
        (("van", "bus"), "the answer 'cab' is not among the options"),
    ],
)
def test_a_question_that_cannot_be_answered_by_a_letter_is_refused(options, why):
    with pytest.raises(RecordError, match=f"^train.json, record 12: {why}\\.$"):
        require_one_right(source_of(), RECORD, asking(*options))
