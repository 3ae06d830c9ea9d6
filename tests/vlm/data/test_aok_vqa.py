"""A-OKVQA: each right choice at each letter in training, one broken question mended, and a test without answers."""

import json

import pytest
from golden_samples import read_all, spoken
from miniatures import aok_vqa

from vlm.data.readers.aok_vqa import A_OKVQA
from vlm.sample import Question
from vlm.templates import letter_of
from vlm.vocabulary import END

FIRST = "22MexNkBPpdZGX6sxbxVBH"
TWICE = "2BMuFEWpEGfPBfsGz3Pqoq"


@pytest.fixture
def root(tmp_path):
    aok_vqa.write(tmp_path)
    return tmp_path


def of_question(samples, number):
    return [sample for sample in samples if sample.questions[0].id == number]


def test_a_question_is_trained_on_with_its_answer_at_each_letter(root):
    samples, tally = read_all(A_OKVQA, root, "train")
    made = of_question(samples, FIRST)
    assert [sample.id for sample in made] == [f"aokvqa-{FIRST}-{number}" for number in range(4)]
    assert made[0].image == "coco/train2017/000000299207.jpg"
    assert (made[0].task, made[0].source, made[0].known_as) == ("multiple_choice_vqa", "aokvqa", ("coco:299207",))
    assert made[0].questions == (
        Question(
            question="What is the man by the bags awaiting?",
            answer="cab",
            options=("skateboarder", "train", "delivery", "cab"),
            id=FIRST,
        ),
    )
    assert [letter_of(sample.questions[0]) for sample in made] == ["D", "A", "B", "C"]
    assert made[1].questions[0].options == ("cab", "skateboarder", "train", "delivery")
    assert len({sample.id for sample in samples}) == len(samples) == 12
    assert (tally.read, tally.skipped) == (6, 0)
    assert dict(tally.dropped) == {
        "answer empty": 1,
        "answer among the options more than once": 1,
        "picture missing": 1,
    }


def test_a_question_that_is_broken_in_the_file_gets_its_choices(root):
    samples, tally = read_all(A_OKVQA, root, "train")
    assert of_question(samples, aok_vqa.BROKEN)[0].questions[0].options == ("n", "w", "a", "e")
    assert of_question(samples, aok_vqa.BROKEN)[0].questions[0].answer == "n"
    assert dict(tally.changed) == {"broken choices put right": 1}


def test_a_repeated_choice_that_is_wrong_does_no_harm(root):
    made = of_question(read_all(A_OKVQA, root, "train")[0], TWICE)
    assert made[0].questions[0].options == ("soup", "crêpe", "soup", "soup")
    assert sorted(letter_of(sample.questions[0]) for sample in made) == list("ABCD")


def test_as_published_two_choices_are_exchanged_and_validation_is_augmented_too(root):
    made = of_question(read_all(A_OKVQA, root, "train", as_published=True)[0], FIRST)
    assert made[1].questions[0].options == ("skateboarder", "cab", "delivery", "train")
    assert made[1].as_published
    assert [len(read_all(A_OKVQA, root, "validation", as_published=one)[0]) for one in (False, True)] == [1, 4]


def test_as_published_a_question_stays_whose_answer_repeats_or_is_empty(root):
    samples, tally = read_all(A_OKVQA, root, "train", as_published=True)
    assert len(samples) == 5 * 4
    assert dict(tally.dropped) == {"picture missing": 1}


def test_it_is_read_as_the_paper_writes_it(root):
    assert spoken(read_all(A_OKVQA, root, "validation")[0][0]) == [
        "IMAGE",
        "Answer with the option's letter from the given choices directly."
        "\nQuestion: What is the tallest animal here?\nA: Giraffe\nB: Dog\nC: Cat\nD: Mouse\nAnswer: ",
        f"*A.{END}",
    ]


@pytest.mark.parametrize("published", [False, True])
def test_questions_of_the_test_set_have_their_choices_and_no_answer(root, published):
    (sample,), _ = read_all(A_OKVQA, root, "test", as_published=published)
    assert sample.image == "coco/test2015/COCO_test2015_000000000001.jpg"
    assert (sample.id, sample.answered) == ("aokvqa-223rBJ4wHQ2yJYAcSuqJWs", False)
    assert sample.questions[0].answer == ""
    assert sample.questions[0].options == ("gum", "tin", "oak", "wool")
    assert sample.known_as == ("coco-test:1",)


def test_pictures_of_the_test_set_are_found_under_their_name_of_2017_too(root):
    folder = root / "coco"
    (folder / "test2015").rename(folder / "test2017")
    (folder / "test2017" / "COCO_test2015_000000000001.jpg").rename(folder / "test2017" / "000000000001.jpg")
    assert read_all(A_OKVQA, root, "test")[0][0].image == "coco/test2017/000000000001.jpg"


@pytest.mark.parametrize("published", [False, True])
def test_a_question_of_validation_without_one_right_letter_is_left_out_and_as_published_stays(root, published):
    path = root / "coco" / "aokvqa_v1p0_val.json"
    (first,) = json.loads(path.read_text())
    others = [["dog", "cat", "Dog", "cow"], ["", "cat", "dog", "cow"]]
    read = [first, *({**first, "question_id": str(n), "choices": choices} for n, choices in enumerate(others))]
    path.write_text(json.dumps(read))
    samples, tally = read_all(A_OKVQA, root, "validation", as_published=published)
    assert len({sample.questions[0].id for sample in samples}) == (3 if published else 2)
    assert tally.skipped == 0
    assert dict(tally.dropped) == ({} if published else {"answer among the options more than once": 1})


def test_a_right_choice_that_is_not_there_is_skipped_and_named(root):
    path = root / "coco" / "aokvqa_v1p0_train.json"
    read = json.loads(path.read_text())
    read[0]["correct_choice_idx"] = 4
    path.write_text(json.dumps(read))
    samples, tally = read_all(A_OKVQA, root, "train")
    assert of_question(samples, FIRST) == []
    assert tally.named["skipped"] == [f"{path}, record 1: choice 4 is right, and there are 4."]
