"""Visual7W: variants of questions in rows, options that are texts or boxes, and one test for everybody."""

import json
from collections import Counter

import pytest
from golden_samples import read_all, spoken
from miniatures import visual7w

from vlm.data.readers.visual7w import VISUAL7W_POINTING, VISUAL7W_TELLING
from vlm.prompt import UNSCORED, lay_out
from vlm.sample import Question
from vlm.templates import letter_of
from vlm.vocabulary import END, read_vocabulary

BOTH = [VISUAL7W_TELLING, VISUAL7W_POINTING]


@pytest.fixture
def root(tmp_path):
    visual7w.write(tmp_path)
    return tmp_path


def asked(samples):
    return [question for sample in samples for question in sample.questions]


def test_questions_of_a_picture_stand_together_with_what_is_known_of_them(root):
    samples, tally = read_all(VISUAL7W_TELLING, root, "validation")
    first = samples[0]
    assert (first.id, first.image) == ("visual7w_telling-990100", "visual7w/images/v7w_2407890.jpg")
    assert (first.task, first.source) == ("multiple_choice_vqa", "visual7w telling")
    assert first.known_as == ("vg:2407890",)
    assert first.questions[0] == Question(
        question="Where is this scene?",
        answer="A café.",
        options=("A café.", "A park.", "A beach.", "A park."),
        kind="where",
        id="990100",
    )
    assert [len(sample.questions) for sample in samples] == [10, 3]
    numbers = [question.id for question in asked(samples)]
    assert len(numbers) == 13 and numbers == sorted(numbers)
    assert (tally.read, tally.skipped) == (3 + 14, 0)


def test_options_of_pointing_questions_are_boxes_as_shares_of_the_picture(root):
    samples, tally = read_all(VISUAL7W_POINTING, root, "validation")
    first = samples[0]
    assert (first.id, first.task) == ("visual7w_pointing-1200100", "grounded_multiple_choice_vqa")
    question = first.questions[0]
    assert (question.answer, question.kind) == ("[0.10,0.10,0.40,0.60]", "which")
    assert set(question.options) == {(0.1, 0.1, 0.4, 0.6), (0, 0.75, 0.35, 1), (0.5, 0.5, 0.75, 0.75), (0, 0, 1, 1)}
    assert [len(sample.questions) for sample in samples] == [5, 3]
    assert dict(tally.changed) == {"box cut at the border of its picture": 2}


def test_boxes_are_read_from_the_file_of_the_questions_where_they_have_none_of_their_own(root):
    expected = read_all(VISUAL7W_POINTING, root, "train")[0]
    boxes, pointed = (root / "visual7w" / name for name in ("v7w_pointing_answers.json", "dataset_v7w_pointing.json"))
    held = json.loads(boxes.read_text())["boxes"]
    known = [{**box, "image_id": visual7w.TRAINED} for box in held]
    pointed.write_text(json.dumps({"boxes": known, **json.loads(pointed.read_text())}))
    moved = [{**box, "x": box["x"] + 1} for box in held]
    boxes.write_text(json.dumps({"boxes": moved}))
    assert read_all(VISUAL7W_POINTING, root, "train")[0] != expected
    boxes.unlink()
    assert read_all(VISUAL7W_POINTING, root, "train")[0] == expected


@pytest.mark.parametrize(("data_set", "count"), [(VISUAL7W_TELLING, 14), (VISUAL7W_POINTING, 9)])
@pytest.mark.parametrize("published", [False, True])
def test_no_question_is_left_out_where_it_is_scored(root, data_set, count, published):
    samples, tally = read_all(data_set, root, "test", as_published=published)
    numbers = {question.id for question in asked(samples)}
    assert (len(numbers), tally.skipped, dict(tally.dropped)) == (count, 0, {})
    assert all(len(question.options) == 4 for question in asked(samples))


def test_a_box_outside_of_the_picture_becomes_a_line_at_its_border_where_it_is_scored(root):
    samples, _ = read_all(VISUAL7W_POINTING, root, "test")
    last = asked(samples)[-1]
    assert (last.question, last.answer) == ("Which box is not to be seen?", "[0.10,0.10,0.40,0.60]")
    assert set(last.options) == {
        (0, 0.75, 0.35, 1),
        (0.1, 0.1, 0.4, 0.6),
        (1, 0.125, 1, 0.1875),
        (0.5, 0.5, 0.75, 0.75),
    }


def test_what_nothing_can_be_learned_from_is_left_out_of_training(root):
    told, pointed = (read_all(data_set, root, "train")[1] for data_set in BOTH)
    assert dict(told.dropped) == {"answer empty": 1, "answer among the options more than once": 1}
    assert dict(pointed.dropped) == {
        "answer among the options more than once": 1,  # two boxes that are written alike
        "box without an area": 1,
        "an option outside of its picture": 1,
    }


def test_they_are_read_as_the_paper_writes_them(root):
    told, pointed = (read_all(data_set, root, "test")[0][0] for data_set in BOTH)
    assert spoken(told) == [
        "IMAGE",
        "Answer with the option's letter from the given choices directly."
        "\nQuestion: Where is this scene?\nA: A park.\nB: A café.\nC: A park.\nD: A beach.\nAnswer: ",
        f"*B.{END}",
    ]
    assert spoken(pointed) == [
        "IMAGE",
        "Answer with the option's letter from the given choices directly.\n"
        "\nQuestion: Which one is 0?\nA: [0.10,0.10,0.40,0.60].\nB: [0.00,0.00,1.00,1.00].\nC: [0.00,0.75,0.35,1.00]."
        "\nD: [0.50,0.50,0.75,0.75].\nAnswer: ",
        f"*A.{END}",
    ]


def test_a_letter_begins_without_a_space_behind_a_query_that_ends_in_one(root):
    sample = read_all(VISUAL7W_POINTING, root, "test")[0][0]
    layout = lay_out(sample, "task-agnostic", read_vocabulary("gpt-neox-20b"), (1, 1))
    assert layout.ids[-4:] == (209, 34, 15, 0)
    assert [label for label in layout.labels if label != UNSCORED] == [34, 15, 0]


@pytest.mark.parametrize(("data_set", "published", "most"), [
    (VISUAL7W_TELLING, False, 10),
    (VISUAL7W_TELLING, True, 3),
    (VISUAL7W_POINTING, False, 5),
    (VISUAL7W_POINTING, True, 3),
])  # fmt: skip
def test_in_training_each_answer_stands_once_at_each_letter_and_no_sample_asks_twice(root, data_set, published, most):
    samples, _ = read_all(data_set, root, "train", as_published=published)
    assert max(len(sample.questions) for sample in samples) == most
    for sample in samples:
        assert len({question.id for question in sample.questions}) == len(sample.questions)
    places = Counter((question.id, question.options) for question in asked(samples))
    assert set(places.values()) == {1}
    assert set(Counter(number for number, _ in places).values()) == {4}
    assert len({sample.id for sample in samples}) == len(samples)


def test_letters_of_a_sample_differ_from_question_to_question(root):
    samples, _ = read_all(VISUAL7W_TELLING, root, "train")
    assert any(len({letter_of(question) for question in sample.questions}) > 1 for sample in samples)


def test_a_draw_is_a_matter_of_the_seed_alone(root):
    first, again, other = (read_all(VISUAL7W_TELLING, root, "train", seed=seed)[0] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    by_options = [Counter((question.id, question.options) for question in asked(one)) for one in (first, other)]
    assert by_options[0] == by_options[1]


def test_the_order_of_questions_changes_from_row_to_row(root):
    samples, _ = read_all(VISUAL7W_TELLING, root, "train")
    assert len({sample.questions[0].id for sample in samples[::2]}) > 1


def test_as_published_the_answer_is_inserted_between_the_others_and_in_validation_too(root):
    def orders(split, published):
        samples, _ = read_all(VISUAL7W_TELLING, root, split, as_published=published)
        last = max(asked(samples), key=lambda question: int(question.id)).id
        return sorted(question.options for question in asked(samples) if question.id == last)

    wrong, right = ["One.", "Two.", "Three."], "14."
    inserted = sorted((*wrong[:place], right, *wrong[place:]) for place in range(4))
    assert orders("train", True) == orders("validation", True) == inserted
    assert len(orders("train", False)) == 4
    assert orders("train", False) != inserted
    assert len(orders("validation", False)) == 1


@pytest.mark.parametrize("data_set", BOTH)
def test_the_test_is_the_same_for_everybody_and_as_published_a_matter_of_the_seed(root, data_set):
    def tests(seed, published):
        samples, _ = read_all(data_set, root, "test", seed=seed, as_published=published)
        assert all(len(sample.questions) == 1 for sample in samples)
        return asked(samples)

    assert tests(0, False) == tests(1, False)
    assert tests(0, True) == tests(0, True)
    assert tests(0, True) != tests(1, True)


@pytest.mark.parametrize(("data_set", "kept"), [(VISUAL7W_TELLING, 2), (VISUAL7W_POINTING, 1)])
def test_as_published_questions_stay_whose_answer_repeats_or_is_empty(root, data_set, kept):
    default, published = (asked(read_all(data_set, root, "train", as_published=one)[0]) for one in (False, True))
    assert len(published) == len(default) + 4 * kept


def test_a_picture_that_is_missing_takes_only_its_own_questions_with_it(root):
    (root / "visual7w" / "images" / f"v7w_{visual7w.TESTED}.jpg").unlink()
    samples, tally = read_all(VISUAL7W_POINTING, root, "test")
    assert samples == []
    assert dict(tally.dropped) == {"picture missing": 1}
    assert read_all(VISUAL7W_POINTING, root, "train")[0]


def test_what_is_wrong_with_a_question_is_named(root):
    path = root / "visual7w" / "dataset_v7w_pointing.json"
    read = json.loads(path.read_text())
    pairs = read["images"][2]["qa_pairs"]
    pairs[0]["answer"] = 17
    pairs[1]["multiple_choices"].pop()
    del pairs[2]["type"]
    path.write_text(json.dumps(read))
    samples, tally = read_all(VISUAL7W_POINTING, root, "test")
    assert [question.id for question in asked(samples)] == [str(1_200_200 + number) for number in range(3, 9)]
    place = f"{path}, record 3, qa_pairs"
    assert tally.named["skipped"] == [
        f"{place} 1: there is no box 17.",
        f"{place} 2: it has 2 wrong choices, and should have 3.",
        f"{place} 3: 'type' is missing.",
    ]
