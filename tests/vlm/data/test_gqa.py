"""GQA: short answers, questions sorted by picture, the testdev that the paper scores, and all questions."""

import json
import zipfile

import pytest
from golden_samples import read_all, spoken
from miniatures import gqa
from miniatures.files import write_json

from vlm.data import packs
from vlm.data.errors import DataError
from vlm.data.readers.gqa import GQA
from vlm.sample import Question
from vlm.vocabulary import END


@pytest.fixture
def root(tmp_path):
    gqa.write(tmp_path)
    return tmp_path


def ids(samples):
    return [[question.id for question in sample.questions] for sample in samples]


def test_questions_of_a_picture_stand_together_though_their_file_is_not_in_its_order(root):
    samples, tally = read_all(GQA, root, "train")
    assert ids(samples) == [["02930152", "02930158"], ["07333408"]]
    first = samples[0]
    assert first.id == "gqa-02930152"
    assert first.image == "gqa/images/2354786.jpg"
    assert (first.task, first.source, first.group, first.answered) == ("vqa", "gqa", "", True)
    assert first.questions[1] == Question(
        question="Which color is the sky?", answer="dark blue", kind="query", id="02930158"
    )
    assert [question.kind for question in first.questions] == ["verify", "query"]
    assert (tally.read, tally.skipped) == (4, 0)
    assert dict(tally.dropped) == {"answer empty": 1}


def test_sorting_goes_beyond_what_is_held_in_memory(root, monkeypatch):
    monkeypatch.setattr(packs, "RUN", 1)
    samples, _ = read_all(GQA, root, "train")
    assert ids(samples) == [["02930152", "02930158"], ["07333408"]]


def test_pictures_with_plain_numbers_are_known_as_those_of_visual_genome(root):
    trained, _ = read_all(GQA, root, "train")
    tested, _ = read_all(GQA, root, "test")
    assert [sample.known_as for sample in (trained[0], tested[0])] == [("vg:2354786",), ("gqa:n578270",)]


def test_no_sample_holds_more_than_twenty_questions(root):
    samples, _ = read_all(GQA, root, "validation")
    assert [len(sample.questions) for sample in samples] == [20, 2]
    assert [sample.id for sample in samples] == ["gqa-05000000", "gqa-05000020"]


def test_it_is_read_as_the_paper_writes_it(root):
    samples, _ = read_all(GQA, root, "train")
    assert spoken(samples[0]) == [
        "IMAGE",
        "Answer the question using a single word or phrase.\nQuestion: Is the sky dark?\nAnswer: ",
        f"*Yes.{END}",
        "\nQuestion: Which color is the sky?\nAnswer: ",
        f"*Dark blue.{END}",
    ]
    assert spoken(samples[1])[1].endswith("wall of the café?\nAnswer: ")


def test_testdev_is_asked_one_question_at_a_time_and_the_hidden_test_has_no_answers(root):
    samples, _ = read_all(GQA, root, "test")
    assert [(sample.id, sample.group, sample.answered) for sample in samples] == [
        ("gqa-testdev-201307251", "testdev", True),
        ("gqa-testdev-201640614", "testdev", True),
        ("gqa-test-201971873", "test", False),
    ]
    assert [question.answer for sample in samples for question in sample.questions] == ["no", "woman", ""]


def test_without_the_file_of_the_hidden_test_there_is_testdev_alone(root):
    (root / "gqa" / gqa.ZIP).unlink()
    write_json(root / "gqa" / "testdev_balanced_questions.json", gqa.TESTDEV)
    samples, _ = read_all(GQA, root, "test")
    assert [sample.group for sample in samples] == ["testdev", "testdev"]


def test_all_questions_come_in_ten_files_or_in_one_and_testdev_stays_balanced(root):
    assert ids(read_all(GQA, root, "train", all_of_gqa=True)[0])[0] == ["02930152", "02930158", "02930199"]
    assert sum(map(len, ids(read_all(GQA, root, "validation", all_of_gqa=True)[0]))) == 23
    assert len(read_all(GQA, root, "test", all_of_gqa=True)[0]) == 3
    write_json(root / "gqa" / "train_all_questions.json", {"07333408": gqa.BALANCED["07333408"]})
    assert ids(read_all(GQA, root, "train", all_of_gqa=True)[0]) == [["07333408"]]


def test_a_part_of_all_questions_that_is_missing_is_not_passed_over(root):
    with zipfile.ZipFile(root / "gqa" / gqa.ZIP) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    del contents["train_all_questions/train_all_questions_7.json"]
    with zipfile.ZipFile(root / "gqa" / gqa.ZIP, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(DataError, match=r"has no train_all_questions/train_all_questions_7\.json"):
        read_all(GQA, root, "train", all_of_gqa=True)


def test_broken_questions_and_missing_pictures_are_named(root):
    questions = json.loads(json.dumps(gqa.BALANCED))
    del questions["02930158"]["imageId"]
    path = write_json(root / "gqa" / "train_balanced_questions.json", questions)
    (root / "gqa" / "images" / f"{gqa.CAFE}.jpg").unlink()
    samples, tally = read_all(GQA, root, "train")
    assert ids(samples) == [["02930152"]]
    assert tally.named["skipped"] == [f"{path}, 02930158: 'imageId' is missing."]
    assert tally.dropped["picture missing"] == 1
