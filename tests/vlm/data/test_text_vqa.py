"""TextVQA: packs in training, and single questions with the text that was read where it is scored."""

import json

import pytest
from golden_samples import read_all, spoken
from miniatures import text_vqa

from vlm.data.errors import DataError
from vlm.data.readers.text_vqa import TEXT_VQA
from vlm.prompt import PATCH, UNSCORED, lay_out
from vlm.sample import Question
from vlm.vocabulary import END, read_vocabulary


@pytest.fixture
def root(tmp_path):
    text_vqa.write(tmp_path)
    return tmp_path


def test_in_training_questions_of_a_picture_stand_together_without_the_text_that_was_read(root):
    samples, tally = read_all(TEXT_VQA, root, "train")
    assert [[question.id for question in sample.questions] for sample in samples] == [["2"], ["0", "1"]]
    second, first = samples
    assert first.id == "text_vqa-0"
    assert first.image == "textcaps/train_images/0054c91397f2fe05.jpg"
    assert (first.task, first.source, first.context) == ("vqa", "text_vqa", "")
    assert first.known_as == ("openimages:0054c91397f2fe05",)
    assert first.questions[1] == Question(
        question="what does the small white text spell?",
        answer="a",
        id="1",
        answers=("a", "copenhagen", "copenhagen", *["a"] * 7),
    )
    assert spoken(second) == [
        "IMAGE",
        "Answer the question using a single word or phrase.\nQuestion: What is written?\nAnswer: ",
        f"*Café.{END}",
    ]
    assert (tally.read, tally.skipped, dict(tally.dropped)) == (4, 0, {"answer empty": 1})


@pytest.mark.parametrize(
    ("published", "expected"), [(False, [["2"], ["0", "1", "9"]]), (True, [["0", "1"], ["2", "3"], ["9"]])]
)
def test_in_training_they_need_not_be_neighbours_but_as_published_they_do(root, published, expected):
    path = root / "textcaps" / "TextVQA_0.5.1_train.json"
    changed = json.loads(path.read_text())
    again = text_vqa.question(9, "which phone?", text_vqa.NOKIA, "train", text_vqa.answers("nokia"))
    path.write_text(json.dumps({**changed, "data": [*changed["data"], again]}))
    samples, _ = read_all(TEXT_VQA, root, "train", as_published=published)
    assert [[question.id for question in sample.questions] for sample in samples] == expected


def test_in_validation_each_question_stands_alone_behind_the_text_that_was_read(root):
    samples, _ = read_all(TEXT_VQA, root, "validation")
    assert [sample.id for sample in samples] == ["text_vqa-34602", "text_vqa-34603", "text_vqa-34604"]
    assert samples[0].image == "textcaps/train_images/003a8ae2ef43b901.jpg"
    assert samples[0].questions[0].answers == ("CAFÉ", "cafe roma", "Café Roma", *["CAFÉ"] * 7)
    assert [sample.context for sample in samples] == [*["OCR text:\nCAFÉ ROMA 9-17"] * 2, "OCR text:\n"]
    assert spoken(samples[1]) == [
        "IMAGE",
        "Answer the question using a single word or phrase.\nOCR text:\nCAFÉ ROMA 9-17"
        "\nQuestion: When does it open?\nAnswer: ",
        f"*9.{END}",
    ]


def test_where_nothing_was_read_the_heading_stays_as_the_paper_scores_it(root):
    samples, _ = read_all(TEXT_VQA, root, "validation")
    vocabulary = read_vocabulary("gpt-neox-20b")
    layout = lay_out(samples[2], "task-agnostic", vocabulary, (1, 1))
    assert layout.ids[:3] == (4118, PATCH, 4118)
    assert layout.ids[13:21] == (187, 48, 1311, 2505, 27, 187, 187, 23433)  # OCR text: and two line breaks, Question
    assert layout.ids[-8:] == (32869, 27, 209, 2447, 31984, 494, 15, 0)
    assert [label for label in layout.labels if label != UNSCORED] == [2447, 31984, 494, 15, 0]  # Unanswerable.


def test_questions_of_the_test_have_the_text_and_no_answer(root):
    samples, tally = read_all(TEXT_VQA, root, "test")
    assert [(sample.id, sample.image, sample.context, sample.answered) for sample in samples] == [
        ("text_vqa-39602", "textcaps/test_images/00685bc495504d61.jpg", "OCR text:\n57", False)
    ]
    assert samples[0].questions == (Question(question="what number is on the boat?", answer="", id="39602"),)
    assert tally.skipped == 0


def test_a_picture_that_nothing_is_known_of_and_nine_answers_are_named(root):
    folder = root / "textcaps"
    read = folder / "TextVQA_Rosetta_OCR_v0.2_val.json"
    read.write_text(json.dumps({"data": [text_vqa.rosetta(text_vqa.SHOP, "9")]}))
    asked = folder / "TextVQA_0.5.1_val.json"
    changed = json.loads(asked.read_text())
    changed["data"][0]["answers"].pop()
    asked.write_text(json.dumps(changed))
    samples, tally = read_all(TEXT_VQA, root, "validation")
    assert [sample.id for sample in samples] == ["text_vqa-34603"]
    assert tally.named["skipped"] == [
        f"{asked}, record 1: it has 9 answers, and should have 10.",
        f"{asked}, record 3: TextVQA_Rosetta_OCR_v0.2_val.json has nothing on its picture 0a0b8ae2ef43b902.",
    ]


def test_without_what_was_read_training_goes_on_and_validation_says_what_is_missing(root):
    for split in ("train", "val"):
        (root / "textcaps" / f"TextVQA_Rosetta_OCR_v0.2_{split}.json").unlink()
    assert len(read_all(TEXT_VQA, root, "train")[0]) == 2
    with pytest.raises(DataError, match=r"has no TextVQA_Rosetta_OCR_v0\.2_val\.json: download it there"):
        read_all(TEXT_VQA, root, "validation")
