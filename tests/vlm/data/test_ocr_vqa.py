"""OCR-VQA: all questions of a book together, and the paper's filters on its cover and on questions."""

import json

import pytest
from golden_samples import read_all, spoken
from miniatures import ocr_vqa
from miniatures.files import write_json, write_picture
from PIL import Image

from vlm import pictures
from vlm.data.errors import DataError
from vlm.data.readers import ocr_vqa as reader
from vlm.data.readers.ocr_vqa import CATEGORY, OCR_VQA
from vlm.sample import Question
from vlm.vocabulary import END


@pytest.fixture
def root(tmp_path):
    ocr_vqa.write(tmp_path)
    return tmp_path


def change(root, **books):
    write_json(root / "ocr_vqa" / "dataset.json", ocr_vqa.BOOKS | books)


def test_questions_of_a_book_form_one_sample_and_each_filter_has_its_count(root):
    samples, tally = read_all(OCR_VQA, root, "train")
    assert [sample.id for sample in samples] == ["ocr_vqa-1421584662", "ocr_vqa-0789331411"]
    first = samples[0]
    assert first.image == "ocr_vqa/images/1421584662.jpg"
    assert (first.task, first.source, first.known_as) == ("vqa", "ocr_vqa", ("ocr_vqa:1421584662",))
    assert first.questions == (
        Question(question="Who is the author of this book?", answer="Sandra Boynton", id="1421584662-0"),
        Question(
            question="What is the title of this book?", answer="Mom's Family Wall Calendar 2016", id="1421584662-1"
        ),
    )
    assert (tally.read, tally.skipped) == (8 + 5 + 5 + 1, 0)
    assert dict(tally.dropped) == {
        "question about the category": 3 + 3 + 1,
        "answer empty": 1,
        "picture of several books": 2,
        "picture's shorter side not above 350 pixels": 1,
        "picture of one colour by more than 85%": 1,
        "picture missing": 1,
        "no question left": 1,
    }


def test_it_is_read_as_the_paper_writes_it(root):
    samples, _ = read_all(OCR_VQA, root, "train")
    assert spoken(samples[1]) == [
        "IMAGE",
        "Answer the question using a single word or phrase.\nQuestion: What is the title of this book?\nAnswer: ",
        f"*Crème brûlée.{END}",
    ]


def test_as_published_questions_about_the_category_stay_and_so_does_the_empty_answer(root):
    samples, tally = read_all(OCR_VQA, root, "train", as_published=True)
    assert [[question.id[-1] for question in sample.questions] for sample in samples] == [[*"01234"], [*"01234"], ["0"]]
    assert samples[0].questions[3].question == "Is this book related to Calendars?"
    assert samples[1].questions[0].answer == ""
    assert all(sample.as_published for sample in samples)
    assert "question about the category" not in tally.dropped
    assert tally.dropped["picture of several books"] == 2


@pytest.mark.parametrize(
    ("question", "is_about_category"),
    [
        ("What is the genre of this book?", True),
        ("What type of book is this?", True),
        ("What is the type of the book?", True),
        ("Is this book related to Children's Books?", True),
        ("Is this a sociopolitical book?", True),
        ("Is this an art related book?", True),
        ("Is this christianity book?", True),
        ("Who wrote this book?", False),
        ("What is the title of this book?", False),
        ("What is the edition of this book?", False),
        ("What is the year printed on this calendar?", False),
    ],
)
def test_questions_about_the_category_are_told_by_their_form(question, is_about_category):
    assert bool(CATEGORY.search(question)) == is_about_category


def test_a_picture_of_a_book_of_another_split_is_not_one_of_several_books(root):
    validation, _ = read_all(OCR_VQA, root, "validation")
    test, tally = read_all(OCR_VQA, root, "test")
    assert [sample.id for sample in validation] == ["ocr_vqa-0312946333"]
    assert [(sample.image, sample.answered) for sample in test] == [("ocr_vqa/images/41Z8vKqdm6L.gif", True)]
    assert tally.read == 1 + 5


def test_a_picture_may_be_a_jpeg_under_the_number_of_the_book_whatever_its_url_ends_in(root):
    images = root / "ocr_vqa" / "images"
    (images / "41Z8vKqdm6L.gif").unlink()
    write_picture(images / "0312946334.jpg", *ocr_vqa.SIZE)
    samples, _ = read_all(OCR_VQA, root, "test")
    assert [sample.image for sample in samples] == ["ocr_vqa/images/0312946334.jpg"]


def test_what_the_public_script_found_stands_in_place_of_decoding(root, monkeypatch):
    urls = {key: described["imageURL"] for key, described in ocr_vqa.BOOKS.items()}
    found = {urls["1421584662"]: False, urls["0789331411"]: True, urls["1449468853"]: True}
    write_json(root / "ocr_vqa" / "images_filtered.json", found)
    opened = []
    monkeypatch.setattr(reader, "open_picture", lambda path: opened.append(path.stem) or pictures.open_picture(path))
    samples, tally = read_all(OCR_VQA, root, "train")
    assert [sample.id for sample in samples] == ["ocr_vqa-0789331411", "ocr_vqa-1449468853"]
    assert tally.dropped["picture left out by images_filtered.json"] == 1
    assert opened == ["0316407119"]  # the list does not have it


def test_a_list_of_another_kind_is_refused(root):
    path = write_json(root / "ocr_vqa" / "images_filtered.json", {"http://one.jpg": "yes"})
    with pytest.raises(DataError) as refused:
        read_all(OCR_VQA, root, "train")
    assert str(refused.value) == f"{path} should say true or false for each URL: mend or delete it."


def test_a_cover_that_is_cut_off_or_too_large_to_decode_is_dropped(root, monkeypatch):
    path = root / "ocr_vqa" / "images" / "1421584662.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    Image.new("RGB", (401, 401)).save(root / "ocr_vqa" / "images" / "0789331411.jpg")
    monkeypatch.setattr(pictures, "LARGEST", 400 * 401)
    samples, tally = read_all(OCR_VQA, root, "train")
    assert samples == []
    assert tally.dropped["picture unreadable"] == 2


@pytest.mark.parametrize(
    ("change_of", "why"),
    [
        ({"split": 4}, "'split' should be one of 1, 2 and 3 and is 4"),
        ({"answers": ["one"]}, "it has 5 questions and 1 answers"),
        ({"imageURL": None}, "'imageURL' should be text and is null"),
        ({"questions": [1] * 5}, "'questions' should be a list of texts and is [1, 1, 1, 1, 1]"),
    ],
)
def test_a_broken_book_is_skipped_and_named(root, change_of, why):
    change(root, **{"1421584662": ocr_vqa.BOOKS["1421584662"] | change_of})
    samples, tally = read_all(OCR_VQA, root, "train")
    assert [sample.id for sample in samples] == ["ocr_vqa-0789331411"]
    assert tally.named["skipped"] == [f"{root / 'ocr_vqa' / 'dataset.json'}, 1421584662: {why}."]


def test_a_question_that_is_empty_takes_no_other_with_it(root):
    changed = json.loads(json.dumps(ocr_vqa.BOOKS["1421584662"]))
    changed["questions"][0] = " "
    change(root, **{"1421584662": changed})
    samples, tally = read_all(OCR_VQA, root, "train")
    assert [question.id for question in samples[0].questions] == ["1421584662-1"]
    assert tally.named["skipped"] == [
        f"{root / 'ocr_vqa' / 'dataset.json'}, 1421584662, questions 1: the question is empty."
    ]


def test_few_broken_questions_of_few_books_do_not_end_the_work(root):
    asked = [("", "nothing"), *[(f"What stands in line {number}?", str(number)) for number in range(200)]]
    change(root, **{"1421584662": ocr_vqa.book("61mTWuRqQKL.jpg", "Mom", "Sandra", "Calendars", questions=asked)})
    samples, tally = read_all(OCR_VQA, root, "train")
    assert (len(samples[0].questions), tally.skipped) == (200, 1)
    tally.require_few_skipped()
