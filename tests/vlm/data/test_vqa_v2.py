"""VQAv2: ten answers a question, packs of twenty, and what is wrong with its files."""

import json
from itertools import pairwise

import pytest
from golden_samples import read_all, spoken
from miniatures import vqa_v2

from vlm.data.errors import DataError
from vlm.data.readers.vqa_v2 import VQA_V2
from vlm.prompt import UNSCORED, lay_out
from vlm.sample import Question
from vlm.vocabulary import END, read_vocabulary


@pytest.fixture
def root(tmp_path):
    vqa_v2.write(tmp_path)
    return tmp_path


def test_questions_of_a_picture_stand_together_with_the_answer_that_most_people_gave(root):
    samples, tally = read_all(VQA_V2, root, "train")
    first = samples[0]
    assert first.id == "vqa_v2-458752000"
    assert first.image == "coco/train2017/000000458752.jpg"
    assert (first.task, first.source, first.known_as) == ("vqa", "vqa_v2", ("coco:458752",))
    assert [question.answer for question in first.questions] == ["net", "pitcher", "two"]
    assert first.questions[0] == Question(
        question="What is this photo taken looking through?",
        answer="net",
        kind="other",
        id="458752000",
        answers=("net", "netting", "mesh", *["net"] * 7),
    )
    assert tally.read == 2 * 26
    assert tally.skipped == 0
    assert dict(tally.dropped) == {"answer empty": 1}


def test_no_sample_holds_more_than_twenty_questions(root):
    samples, _ = read_all(VQA_V2, root, "validation")
    assert [len(sample.questions) for sample in samples] == [4, 20, 2]
    assert len({sample.id for sample in samples}) == 3


def test_it_is_read_as_the_paper_writes_it(root):
    samples, _ = read_all(VQA_V2, root, "train")
    assert spoken(samples[0]) == [
        "IMAGE",
        "Answer the question using a single word or phrase."
        "\nQuestion: What is this photo taken looking through?\nAnswer: ",
        f"*Net.{END}",
        "\nQuestion: What position is this man playing?\nAnswer: ",
        f"*Pitcher.{END}",
        "\nQuestion: How many?\nAnswer: ",
        f"*Two.{END}",
    ]


def test_an_answer_begins_without_a_space_behind_a_query_that_ends_in_one(root):
    samples, _ = read_all(VQA_V2, root, "train")
    layout = lay_out(samples[0], "task-agnostic", read_vocabulary("gpt-neox-20b"), (1, 1))
    carrying = [(before, label) for before, label in pairwise(layout.labels) if label != UNSCORED]
    assert layout.ids[:3] == (4118, -200, 4118)
    assert carrying[:3] == [(UNSCORED, 8695), (8695, 15), (15, 0)]
    assert layout.ids[layout.labels.index(8695) - 1] == 209


def test_questions_of_the_test_sets_stand_alone_and_without_an_answer(root):
    samples, _ = read_all(VQA_V2, root, "test")
    assert [(sample.group, sample.questions[0].id) for sample in samples] == [("testdev", "1000"), ("teststd", "1000")]
    assert not any(sample.answered for sample in samples)
    assert samples[0].image == "coco/test2015/COCO_test2015_000000000001.jpg"


def test_a_file_that_is_cut_off_ends_in_a_sentence_that_names_it(root):
    path = root / "coco" / "v2_OpenEnded_mscoco_train2014_questions.json"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match=r"questions\.json ends too early, within record 2\d: download it again\."):
        read_all(VQA_V2, root, "train")


def test_a_record_with_nine_answers_is_skipped_and_named(root):
    path = root / "coco" / "v2_mscoco_train2014_annotations.json"
    read = json.loads(path.read_text())
    read["annotations"][5]["answers"].pop()
    path.write_text(json.dumps(read))
    samples, tally = read_all(VQA_V2, root, "train")
    assert tally.skipped == 1
    assert tally.named["skipped"] == [f"{path}, record 6: it has 9 answers, and should have 10."]
    assert sum(len(sample.questions) for sample in samples) == 24
