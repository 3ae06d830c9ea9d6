"""POPE: three benchmarks of yes and no, in files whose names say JSON and which hold lines of it."""

import pickle

import pytest
from golden_samples import read_all, spoken
from miniatures import pope

from vlm.data.readers.pope import POPE_ADVERSARIAL, POPE_POPULAR, POPE_RANDOM
from vlm.sample import Question, Sample
from vlm.vocabulary import END


@pytest.fixture
def root(tmp_path):
    pope.write(tmp_path)
    return tmp_path


def test_each_question_is_a_sample(root):
    samples, tally = read_all(POPE_POPULAR, root, "test")
    assert samples[1] == Sample(
        id="pope_popular-2",
        image="coco/val2017/000000310196.jpg",
        task="vqa",
        source="pope_popular",
        questions=(Question(question="Is there a dining table in the image?", answer="no", id="2"),),
        known_as=("coco:310196",),
    )
    assert [sample.questions[0].answer for sample in samples] == ["yes", "no", "yes"]
    assert samples[2].image == "coco/train2017/000000210789.jpg"
    assert (tally.read, tally.skipped, dict(tally.dropped)) == (3, 0, {})


def test_the_three_ways_are_three_benchmarks(root):
    ways = (POPE_ADVERSARIAL, POPE_POPULAR, POPE_RANDOM)
    second = [read_all(data_set, root, "test")[0][1] for data_set in ways]
    assert [sample.source for sample in second] == ["pope_adversarial", "pope_popular", "pope_random"]
    assert [sample.source for sample in second] == [data_set.name for data_set in ways]
    assert [sample.questions[0].question.split()[3] for sample in second] == ["backpack", "dining", "toaster"]


def test_they_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(POPE_RANDOM)).read.keywords == {"name": "pope_random"}


def test_it_is_asked_as_other_questions_are(root):
    samples, _ = read_all(POPE_RANDOM, root, "test")
    assert spoken(samples[1]) == [
        "IMAGE",
        "Answer the question using a single word or phrase.\nQuestion: Is there a toaster in the image?\nAnswer: ",
        f"*No.{END}",
    ]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"no"', '"perhaps"', "'label' should be yes or no and is 'perhaps'"),
        ("Is there a toaster in the image?", " ", "the question is empty"),
        (', "label": "no"', "", "'label' is missing"),
    ],
)
def test_a_line_that_is_not_as_it_should_be_is_skipped_and_named(root, old, new, why):
    path = root / "coco" / "coco_pope_random.json"
    path.write_text(path.read_text().replace(old, new))
    samples, tally = read_all(POPE_RANDOM, root, "test")
    assert [sample.id for sample in samples] == ["pope_random-1", "pope_random-3"]
    assert tally.named["skipped"] == [f"{path}, line 2: {why}."]


@pytest.mark.parametrize("as_published", [False, True])
def test_samples_say_whether_they_are_laid_out_as_published(root, as_published):
    samples, _ = read_all(POPE_RANDOM, root, "test", as_published=as_published)
    assert {sample.as_published for sample in samples} == {as_published}
