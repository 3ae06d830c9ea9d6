"""VSR: true or false, by relation, on pictures of COCO wherever they lie."""

import json

import pytest
from golden_samples import read_all, spoken
from miniatures import vsr

from vlm.data.readers.vsr import VSR
from vlm.prompt import UNSCORED, lay_out
from vlm.sample import Sample
from vlm.vocabulary import END, read_vocabulary


@pytest.fixture
def root(tmp_path):
    vsr.write(tmp_path)
    return tmp_path


def test_a_sentence_is_true_or_false_of_its_picture(root):
    samples, tally = read_all(VSR, root, "train")
    assert samples[0] == Sample(
        id="vsr-train-1",
        image="vsr/images/000000050403.jpg",
        task="image_text_match",
        source="vsr",
        caption="The teddy bear is in front of the person.",
        matches=True,
        group="in front of",
        known_as=("coco:50403",),
    )
    assert [sample.matches for sample in samples] == [True, False, True, False]
    assert (tally.read, tally.skipped, dict(tally.dropped)) == (4, 0, {})


def test_pictures_are_looked_for_among_those_of_coco_too(root):
    samples, _ = read_all(VSR, root, "train")
    assert samples[1].image == "coco/train2017/000000401552.jpg"
    assert samples[3].image == "coco/val2017/000000239417.jpg"


def test_validation_is_what_the_site_calls_dev(root):
    assert [sample.id for sample in read_all(VSR, root, "validation")[0]] == ["vsr-dev-1"]
    assert [sample.id for sample in read_all(VSR, root, "test")[0]] == ["vsr-test-1"]


def test_a_sentence_that_comes_twice_has_two_names_and_those_of_others_do_not_depend_on_it(root):
    names = [sample.id for sample in read_all(VSR, root, "train")[0]]
    assert names == ["vsr-train-1", "vsr-train-2", "vsr-train-3", "vsr-train-4"]
    path = root / "vsr" / "train.jsonl"
    path.write_text("\n" + path.read_text().replace("umbrella is", 'umbrella" is', 1))
    samples, tally = read_all(VSR, root, "train")
    assert [sample.id for sample in samples] == ["vsr-train-2", "vsr-train-4", "vsr-train-5"]
    assert len(tally.named["skipped"]) == 1
    assert tally.named["skipped"][0].startswith(f"{path}, line 3: it is not JSON")


def test_it_is_read_as_the_paper_writes_it(root):
    samples, _ = read_all(VSR, root, "train")
    assert spoken(samples[0]) == [
        "IMAGE",
        "Determine if the image matches the description:\nThe teddy bear is in front of the person.\n",
        f"*True.{END}",
    ]
    assert spoken(samples[3])[1:] == [
        "Determine if the image matches the description:\nThe bench is at the right side of the train.\n",
        f"*False.{END}",
    ]


def test_the_verdict_alone_carries_loss(root):
    samples, _ = read_all(VSR, root, "train")
    vocabulary = read_vocabulary("gpt-neox-20b")
    carrying = [
        [label for label in lay_out(sample, "task-agnostic", vocabulary, (1, 1)).labels if label != UNSCORED]
        for sample in samples[:2]
    ]
    assert carrying == [[5088, 15, 0], [5653, 15, 0]]


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("label", 2, "'label' should be 0 or 1 and is 2"),
        ("label", True, "'label' should be a whole number and is true"),
        ("image", "bear.jpg", "'image' should be the file name of a picture of COCO and is 'bear.jpg'"),
    ],
)
def test_a_line_that_is_not_as_it_should_be_is_skipped_and_named(root, field, value, why):
    path = root / "vsr" / "train.jsonl"
    lines = vsr.lines()
    lines[1][field] = value
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    samples, tally = read_all(VSR, root, "train")
    assert [sample.id for sample in samples] == ["vsr-train-1", "vsr-train-3", "vsr-train-4"]
    assert tally.named["skipped"] == [f"{path}, line 2: {why}."]


@pytest.mark.parametrize("as_published", [False, True])
def test_samples_say_whether_they_are_laid_out_as_published(root, as_published):
    samples, _ = read_all(VSR, root, "train", as_published=as_published)
    assert {sample.as_published for sample in samples} == {as_published}
