"""AI2D: its splits by diagram, what is written in a diagram, and files that are missing or broken."""

import json
import shutil

import pytest
from golden_samples import read_all, spoken
from miniatures import ai2d

from vlm.data.errors import DataError
from vlm.data.readers.ai2d import AI2D
from vlm.sample import Question
from vlm.templates import letter_of
from vlm.vocabulary import END

WRITTEN = "OCR text:\nA: egg\nB: larva\nC: pupa\nD: adulto é"


@pytest.fixture
def root(tmp_path):
    ai2d.write(tmp_path)
    return tmp_path


def images(samples):
    return {sample.known_as[0].removeprefix("ai2d:") for sample in samples}


def test_a_question_with_the_text_of_its_diagram(root):
    samples, tally = read_all(AI2D, root, "test")
    first, second = samples[:2]
    assert (first.id, first.image, first.known_as) == ("ai2d-2.png-0", "ai2d/ai2d/images/2.png", ("ai2d:2.png",))
    assert (first.task, first.source, first.context) == ("multiple_choice_vqa", "ai2d", WRITTEN)
    assert first.questions == (
        Question(
            question="What stage comes after the egg?",
            answer="larva",
            options=("adult", "larva", "pupa", "Egg"),
            kind="text",
            id="2.png-0",
        ),
    )
    assert (second.questions[0].kind, second.questions[0].answer) == ("label", "C")
    assert images(samples) == {"2.png", "7.png"}
    assert len(samples) == 4
    assert (tally.read, tally.skipped) == (2 + 4, 0)


def test_it_is_read_as_the_paper_writes_it(root):
    assert spoken(read_all(AI2D, root, "test")[0][0]) == [
        "IMAGE",
        f"Answer with the option's letter from the given choices directly.\n{WRITTEN}"
        "\nQuestion: What stage comes after the egg?\nA: Adult\nB: Larva\nC: Pupa\nD: Egg\nAnswer: ",
        f"*B.{END}",
    ]


def test_in_training_the_answer_stands_at_each_letter(root):
    samples, tally = read_all(AI2D, root, "train")
    made = [sample for sample in samples if sample.questions[0].id == "0.png-0"]
    assert [(sample.id, letter_of(sample.questions[0])) for sample in made] == [
        ("ai2d-0.png-0-0", "B"),
        ("ai2d-0.png-0-1", "C"),
        ("ai2d-0.png-0-2", "D"),
        ("ai2d-0.png-0-3", "A"),
    ]
    assert made[1].questions[0].options == ("Egg", "adult", "larva", "pupa")
    assert dict(tally.dropped) == {"answer among the options more than once": 1}


def test_as_published_two_options_are_exchanged_and_validation_is_augmented_too(root):
    def of_one_question(split, published):
        samples, _ = read_all(AI2D, root, split, as_published=published)
        return [one.questions[0].options for one in samples if one.questions[0].id == samples[0].questions[0].id]

    assert of_one_question("train", True)[0] == ("larva", "adult", "pupa", "Egg")
    assert [len(of_one_question("validation", published)) for published in (False, True)] == [1, 4]


def test_no_diagram_is_in_two_splits(root):
    for seed in range(5):
        parts = [images(read_all(AI2D, root, split, seed=seed)[0]) for split in ("train", "validation", "test")]
        assert sum(map(len, parts)) == len(set.union(*parts)) == ai2d.DIAGRAMS - 1  # one asks nothing


def test_as_published_most_of_validation_is_trained_on(root):
    parts = [images(read_all(AI2D, root, split, as_published=True)[0]) for split in ("train", "validation", "test")]
    train, validation, test = parts
    assert len(validation & train) > len(validation) / 2
    assert test.isdisjoint(train | validation)


def test_a_diagram_in_which_nothing_is_written_has_no_context(root):
    samples = [sample for split in ("train", "validation") for sample in read_all(AI2D, root, split)[0]]
    without = {
        image for image in images(samples) if any(s.known_as == (f"ai2d:{image}",) and not s.context for s in samples)
    }
    assert without == {"5.png", "6.png"}  # the former has no annotation


def test_it_does_not_matter_how_deep_the_archive_was_unpacked(root):
    before = read_all(AI2D, root, "test")[0]
    for name in ("images", "questions", "annotations"):
        (root / "ai2d" / "ai2d" / name).rename(root / "ai2d" / name)
    after = read_all(AI2D, root, "test")[0]
    assert after[0].image == "ai2d/images/2.png"
    assert [sample.questions for sample in after] == [sample.questions for sample in before]


def test_a_missing_diagram_is_counted(root):
    (root / "ai2d" / "ai2d" / "images" / "7.png").unlink()
    samples, tally = read_all(AI2D, root, "test")
    assert images(samples) == {"2.png"}
    assert dict(tally.dropped) == {"picture missing": 1}


@pytest.mark.parametrize("folder", ["questions", "annotations"])
def test_a_file_that_is_cut_off_is_skipped_and_named(root, folder):
    path = root / "ai2d" / "ai2d" / folder / "7.png.json"
    path.write_text(path.read_text()[:-9])
    samples, tally = read_all(AI2D, root, "test")
    assert images(samples) == {"2.png"}
    (why,) = tally.named["skipped"]
    assert why.startswith(f"{path}: it is not JSON (")


def test_one_broken_question_does_not_take_the_others_with_it(root):
    path = root / "ai2d" / "ai2d" / "questions" / "7.png.json"
    read = json.loads(path.read_text())
    read["questions"]["Which label refers to the pupa?"]["correctAnswer"] = 9
    path.write_text(json.dumps(read))
    samples, tally = read_all(AI2D, root, "test")
    assert [sample.id for sample in samples] == ["ai2d-2.png-0", "ai2d-2.png-1", "ai2d-7.png-0"]
    place = f"{path}, questions, Which label refers to the pupa?"
    assert tally.named["skipped"] == [f"{place}: answer 9 is right, and there are 4."]


@pytest.mark.parametrize("published", [False, True])
def test_no_question_of_the_test_is_left_out_for_an_answer_that_repeats_or_is_empty(root, published):
    path = root / "ai2d" / "ai2d" / "questions" / "7.png.json"
    read = json.loads(path.read_text())
    read["questions"] |= {
        "What is shown twice?": ai2d.asked("7.png", 2, ["egg", "pupa", "egg", "moth"], 2, False),
        "What is not named?": ai2d.asked("7.png", 3, ["egg", " ", "pupa", "moth"], 1, False),
    }
    path.write_text(json.dumps(read))
    samples, tally = read_all(AI2D, root, "test", as_published=published)
    assert [sample.questions[0].options for sample in samples[-2:]] == [
        ("egg", "pupa", "egg", "moth"),
        ("egg", "", "pupa", "moth"),
    ]
    assert (tally.skipped, dict(tally.dropped)) == (0, {})


def test_few_broken_questions_in_many_diagrams_do_not_end_the_work(root):
    path = root / "ai2d" / "ai2d" / "questions" / "7.png.json"
    read = json.loads(path.read_text())
    sound = {f"What is {number}?": ai2d.asked("7.png", number, ["egg", "moth"], 1, False) for number in range(300)}
    path.write_text(json.dumps({**read, "questions": {**sound, "Broken?": {}, "No question": 1}}))
    samples, tally = read_all(AI2D, root, "test")
    assert (len(samples), tally.read, tally.skipped) == (2 + 300, 2 + 2 + 302, 2)
    assert [why.removeprefix(f"{path}, questions, ") for why in tally.named["skipped"]] == [
        "Broken?: 'answerTexts' is missing.",
        "No question: it should be an object and is 1.",
    ]
    tally.require_few_skipped()


def test_a_list_of_tests_that_names_no_diagram_is_refused_before_the_tests_are_trained_on(root):
    (root / "ai2d" / "ai2d_test_ids.csv").write_text("<html>404</html>\n")
    with pytest.raises(DataError, match=r"ai2d_test_ids\.csv lists none of the diagrams: download it again\."):
        read_all(AI2D, root, "train")


def test_an_archive_that_was_not_unpacked_is_asked_for(root):
    shutil.rmtree(root / "ai2d" / "ai2d")
    with pytest.raises(DataError, match=r"has no questions of diagrams: unpack ai2d-all\.zip there\."):
        read_all(AI2D, root, "train")
