"""VQA accuracy follows the published rules to the letter, oddities included. What is expected here is written from the
rules and tables of GT-Vision-Lab/VQA's vqaEval.py and of the EvalAI variant, not taken from what the code gives.
"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm.evaluate.metrics.vqa import (
    TEXT_VQA,
    VQA,
    best_answer,
    evalai_normalised,
    normalised,
    official_accuracy,
    published_accuracy,
    read_short_answer,
    text_vqa_accuracy,
)

# Every entry of the published table, one that is the wrong way round included.
CONTRACTIONS = """
aint=ain't arent=aren't cant=can't couldve=could've couldnt=couldn't couldn'tve=couldn't've couldnt've=couldn't've
didnt=didn't doesnt=doesn't dont=don't hadnt=hadn't hadnt've=hadn't've hadn'tve=hadn't've hasnt=hasn't havent=haven't
hed=he'd hed've=he'd've he'dve=he'd've hes=he's howd=how'd howll=how'll hows=how's isnt=isn't itd=it'd itd've=it'd've
it'dve=it'd've itll=it'll let's=let's maam=ma'am mightnt=mightn't mightnt've=mightn't've mightn'tve=mightn't've
mightve=might've mustnt=mustn't mustve=must've neednt=needn't notve=not've oclock=o'clock oughtnt=oughtn't
ow's'at='ow's'at 'ows'at='ow's'at 'ow'sat='ow's'at shant=shan't shed've=she'd've she'dve=she'd've she's=she's
shouldve=should've shouldnt=shouldn't shouldnt've=shouldn't've shouldn'tve=shouldn't've somebody'd=somebodyd
somebodyd've=somebody'd've somebody'dve=somebody'd've somebodyll=somebody'll somebodys=somebody's someoned=someone'd
someoned've=someone'd've someone'dve=someone'd've someonell=someone'll someones=someone's somethingd=something'd
somethingd've=something'd've something'dve=something'd've somethingll=something'll thats=that's thered=there'd
thered've=there'd've there'dve=there'd've therere=there're theres=there's theyd=they'd theyd've=they'd've
they'dve=they'd've theyll=they'll theyre=they're theyve=they've twas='twas wasnt=wasn't wed've=we'd've we'dve=we'd've
weve=we've werent=weren't whatll=what'll whatre=what're whats=what's whatve=what've whens=when's whered=where'd
wheres=where's whereve=where've whod=who'd whod've=who'd've who'dve=who'd've wholl=who'll whos=who's whove=who've
whyll=why'll whyre=why're whys=why's wont=won't wouldve=would've wouldnt=wouldn't wouldnt've=wouldn't've
wouldn'tve=wouldn't've yall=y'all yall'll=y'all'll y'allll=y'all'll yall'd've=y'all'd've y'alld've=y'all'd've
y'all'dve=y'all'd've youd=you'd youd've=you'd've you'dve=you'd've youll=you'll youre=you're youve=you've
"""
PAIRS = [tuple(pair.split("=")) for pair in CONTRACTIONS.split()]
UNCHANGED = "I'm Im I've Ive I'd've Id've I'dve lets shes shed well hell ill im were its dog's dogs'"
MARKS = ';/[]"{}()=+\\_-><@`,?!'
KEPT = ":'&%$#*~^|"

# Answers, and what they are for the official tool and for EvalAI.
CASES = [
    # White space and letters
    ("  Red \n", "red", "red"),
    ("black\nand\twhite", "black and white", "black and white"),
    ("On   The  Left", "on left", "on left"),
    ("", "", ""),
    # Articles go as words and not within words; nothing may be left
    ("a man on an elephant in the sea", "man on elephant in sea", "man on elephant in sea"),
    ("The", "", ""),
    ("theatre banana", "theatre banana", "theatre banana"),
    # Numbers from none to ten, as words of their own
    ("none", "0", "0"),
    ("Zero one two three", "0 1 2 3", "0 1 2 3"),
    ("four five six seven", "4 5 6 7", "4 5 6 7"),
    ("eight nine ten eleven", "8 9 10 eleven", "8 9 10 eleven"),
    ("twenty-one", "twenty 1", "twenty 1"),
    ("someone stone", "someone stone", "someone stone"),
    # Punctuation between letters is a space, and beside a space anywhere it is nothing
    ("t-shirt", "t shirt", "t shirt"),
    ("t-shirt - red", "tshirt red", "tshirt red"),
    ("red/white", "red white", "red white"),
    ("red / white/blue", "red whiteblue", "red whiteblue"),
    ("red/white - blue", "red white blue", "red white blue"),
    ("(left)", "left", "left"),
    ("on (left)", "on left", "on left"),
    ("yes!", "yes", "yes"),
    ("a@b", "b", "b"),
    ('"STOP"', "stop", "stop"),
    ("3:30", "3:30", "3:30"),
    ("black & white", "black & white", "black & white"),
    # Commas and question marks, which EvalAI takes out beforehand
    ("red, white", "red white", "red white"),
    ("red,white", "red white", "redwhite"),
    ("red,white, blue", "redwhite blue", "redwhite blue"),
    ("1,000", "1000", "1000"),
    ("1,000,000", "1000000", "1000000"),
    ("1,000-2,000", "10002000", "1000 2000"),
    ("$1,000/day", "$1000day", "$1000 day"),
    ("1,a-b", "1 b", "1a b"),
    ("why?", "why", "why"),
    ("what?who", "what who", "whatwho"),
    # Full stops go unless a digit follows, whatever stands before
    ("Red.", "red", "red"),
    ("u.s.a.", "usa", "usa"),
    ("3.5", "3.5", "3.5"),
    (".5", ".5", ".5"),
    ("5.", "5", "5"),
    ("no.5", "no.5", "no.5"),
    ("3.a", "3a", "3a"),
    ("2.-3", "2 3", "2 3"),
    ("x" + "." * 40, "x" + "." * 8, "x" + "." * 8),
    # Apostrophes, and what EvalAI cuts off behind them
    ("men's", "men's", "men 's"),
    ("It's", "it's", "it 's"),
    ("dogs'", "dogs'", "dogs'"),
    ("DON'T", "don't", "don't"),
    ("Dont", "don't", "don't"),
    ("isnt it 10 oclock", "isn't it 10 o'clock", "isn't it 10 o'clock"),
    ("wont!", "won't", "won't"),
    ("one's", "one's", "1 's"),
]


@pytest.mark.parametrize(("answer", "official", "evalai"), CASES)
def test_answers_are_normalised_by_the_published_rules(answer, official, evalai):
    assert normalised(answer) == official
    assert evalai_normalised(answer) == evalai


@pytest.mark.parametrize(("short", "word"), PAIRS)
def test_every_contraction_of_the_table_gets_its_apostrophes(short, word):
    assert normalised(f"{short} {short.title()}") == f"{word} {word}"
    if "'s" not in short:
        assert evalai_normalised(short) == word


@pytest.mark.parametrize("word", UNCHANGED.split())
def test_words_that_the_table_lacks_or_cannot_reach_stay_as_they_are(word):
    assert normalised(word) == word.lower()


def test_evalai_cuts_contractions_before_it_looks_them_up():
    assert evalai_normalised("let's") == "let 's"
    assert evalai_normalised("ow's'at") == "ow 's'at"
    assert evalai_normalised("'ows'at") == "'ow's'at"


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_a_space_between_letters_and_nothing_beside_a_space(mark):
    assert normalised(f"x{mark}y") == "x y"
    assert normalised(f"x{mark} y{mark}z") == normalised(f"x {mark}y{mark}z") == "x yz"
    assert normalised(f"x{mark}y 1,000") == "xy 1000"


@pytest.mark.parametrize("mark", KEPT)
def test_other_marks_are_kept(mark):
    assert normalised(f"x{mark}y {mark} z") == evalai_normalised(f"x{mark}y {mark} z") == f"x{mark}y {mark} z"


@given(st.text())
def test_any_text_is_normalised_to_lower_case_words_with_one_space_between(text):
    for form in (normalised(text), evalai_normalised(text)):
        assert form == " ".join(form.split())
        assert not set(form.split()) & {"a", "an", "the", "none", "ten"}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Red.", "red"),
        (" Red .\n", "red"),
        ("red", "red"),
        ("U.S.A.", "u.s.a"),
        ("wait...", "wait.."),
        ("3.5", "3.5"),
        ("a", "a"),
        ("", None),
        (" \n", None),
        (".", None),
    ],
)
def test_a_short_answer_is_read_without_its_final_full_stop_in_lower_case(text, answer):
    assert read_short_answer(text) == answer


def leave_one_out(matching):
    """The official rule as it is told: matching says of each annotator whether they match."""
    shares = []
    for left_out in range(len(matching)):
        others = [match for number, match in enumerate(matching) if number != left_out]
        shares.append(min(Fraction(1), Fraction(sum(others), 3)))
    return sum(shares) / len(shares)


@pytest.mark.parametrize(
    ("matches", "score"),
    [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), *((matches, 1) for matches in range(4, 11))],
)
def test_of_ten_annotators_each_who_agrees_counts_three_tenths(matches, score):
    truths = [("red",) * matches + ("blue",) * (10 - matches)]
    assert official_accuracy(["red"], truths) == published_accuracy(["red"], truths) == [score]
    assert published_accuracy(["red"], truths) == [min(1, round(0.3 * matches, 1))]


@pytest.mark.parametrize(("annotators", "score"), [(1, 0), (2, 1 / 3), (3, 2 / 3), (4, 1), (5, 1), (12, 1)])
def test_few_annotators_who_all_agree_are_too_few_to_be_left_out(annotators, score):
    assert official_accuracy(["red"], [("red",) * annotators]) == [score]


any_form = st.sampled_from(
    ["red", "Red", "the red", "red.", "two", "2", "1,000", "1000", "dont", "don't", "a", "", " red"]
)


@given(st.lists(any_form, min_size=1, max_size=12), any_form)
def test_official_accuracy_is_what_leaving_out_each_annotator_gives(answers, said):
    forms = [answer.strip() for answer in answers]
    form = said.strip()
    if len(set(forms)) > 1:
        forms, form = list(map(normalised, forms)), normalised(form)
    expected = leave_one_out([one == form for one in forms])
    assert official_accuracy([said], [tuple(answers)]) == [float(expected)]


def test_where_annotators_agree_nothing_is_normalised_but_what_the_reading_does():
    agreed, not_agreed = ("the bus",) * 10, ("the bus",) * 9 + ("bus",)
    assert official_accuracy(["bus", "the bus"], [agreed, agreed]) == [0, 1]
    assert official_accuracy(["bus", "the bus"], [not_agreed, not_agreed]) == [1, 1]
    assert official_accuracy(["Red.", read_short_answer("Red.")], [("red",) * 10] * 2) == [0, 1]


def test_annotators_who_differ_in_white_space_alone_agree():
    assert official_accuracy(["the\tbus"], [(" the bus", "the\nbus", "the bus ", "the bus")]) == [1]


@settings(max_examples=200)
@given(st.lists(any_form, min_size=1, max_size=12), any_form)
def test_text_vqa_leaves_out_each_annotator_and_always_compares_normalised_answers(answers, said):
    matching = [evalai_normalised(one) == evalai_normalised(said) for one in answers]
    assert text_vqa_accuracy([said], [tuple(answers)]) == [float(leave_one_out(matching))]


def test_text_vqa_finds_an_answer_that_all_annotators_wrote_in_capitals():
    truths = [("The STOP sign.",) * 10]
    assert text_vqa_accuracy(["stop sign", None], truths * 2) == [1, 0]
    assert official_accuracy(["stop sign"], truths) == [0]
    assert TEXT_VQA.scores([TEXT_VQA.best_constant(truths)], truths) == [1]


def test_published_accuracy_leaves_the_annotators_answers_as_they_are():
    truths = [("two dogs",) * 6 + ("2 dogs",) * 4]
    assert official_accuracy(["two dogs"], truths) == [1]
    assert published_accuracy(["two dogs"], truths) == [1]
    assert published_accuracy(["2 dogs"], [("two dogs",) * 10]) == [0]
    assert published_accuracy(["men's"], [("men's",) * 10]) == [0]
    assert published_accuracy(["Red."], [("red",) * 2 + ("Red",) * 8]) == [0.6]


def test_what_was_not_read_scores_nothing_even_where_an_article_is_the_answer():
    truths = [("a",) * 9 + ("the",), ("red",) * 10]
    assert official_accuracy([None, None], truths) == published_accuracy([None, None], truths) == [0, 0]
    assert official_accuracy(["an", "red"], truths) == [1, 1]


def test_the_metric_reports_both_accuracies_for_sums_over_any_part():
    readings, truths = ["2", None, "red"], [("two",) * 9 + ("2",), ("red",) * 10, ("red",) + ("blue",) * 9]
    assert VQA.scores(readings, truths) == pytest.approx([1, 0, 0.3])
    (published,) = VQA.further
    parts = published.parts(readings, truths)
    assert parts == pytest.approx(np.array([[0.3, 1], [0, 1], [0.3, 1]]))
    assert published.of(parts.sum(axis=0)) == pytest.approx(0.2)
    assert published.of(np.zeros((2, parts.shape[1]))).tolist() == [0, 0]
    assert VQA.scores([], []) == []


def mean_score(answer, truths):
    return sum(map(Fraction, official_accuracy([answer] * len(truths), truths))) / len(truths)


short = st.sampled_from(["red", "the red", "2", "two", "1,000", "1000", "dont", "don't", "yes", "no", "a", "an apple"])


@settings(max_examples=200)
@given(st.lists(st.lists(short, min_size=1, max_size=10).map(tuple), min_size=1, max_size=8))
def test_no_annotators_answer_scores_higher_than_the_best_constant_one(truths):
    given_answers = {answer for some in truths for answer in some}
    most = max(mean_score(answer, truths) for answer in given_answers | set(map(normalised, given_answers)) - {""})
    best = best_answer(truths)
    assert best in given_answers
    assert float(mean_score(best, truths)) == pytest.approx(float(most), abs=1e-12)


def test_the_best_constant_answer_gains_from_both_forms_of_comparison():
    agreed = [("yes",) * 10] * 3
    mixed = [("two",) * 5 + ("2",) * 5] * 2
    assert best_answer([*agreed, *mixed]) == "yes"
    assert best_answer([*agreed, *mixed, ("two",) * 10, ("2",) * 10, ("2",) * 10]) == "2"


def test_the_best_constant_answer_is_read_as_it_stands():
    truths = [("Red.", "Red.", "red", "red", "blue", "blue")]
    best = best_answer(truths)
    assert read_short_answer(best) == best == "red"
    assert best_answer([("NASA...", "nasa", "x", "y")]) == "nasa"


def test_the_first_of_several_best_answers_is_taken_and_one_that_nobody_can_give_is_nothing():
    assert best_answer([("no",) * 4, ("yes",) * 4]) == "no"
    assert best_answer([(".", "..")]) == ""
