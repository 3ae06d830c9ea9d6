"""TextCaps: a sample for each caption in training, and one for each picture where it is scored."""

import json

import pytest
from golden_samples import read_all, spoken
from miniatures import textcaps

from vlm.data.readers.textcaps import TEXTCAPS
from vlm.sample import Sample
from vlm.vocabulary import END


@pytest.fixture
def root(tmp_path):
    textcaps.write(tmp_path)
    return tmp_path


def test_training_has_a_sample_for_each_caption(root):
    samples, tally = read_all(TEXTCAPS, root, "train")
    assert [sample.id for sample in samples] == [f"textcaps-1000000{number}" for number in ("00", "01", "10", "11")]
    assert samples[1] == Sample(
        id="textcaps-100000001",
        image="textcaps/train_images/0054c91397f2fe05.jpg",
        task="captioning",
        source="textcaps",
        caption="A sign says CAFÉ",
        known_as=("openimages:0054c91397f2fe05",),
    )
    assert (tally.read, tally.skipped, dict(tally.dropped)) == (5, 0, {"caption empty": 1})


def test_validation_has_one_sample_for_each_picture_with_all_its_captions(root):
    samples, _ = read_all(TEXTCAPS, root, "validation")
    assert [(sample.id, sample.caption) for sample in samples] == [
        ("textcaps-0054c91397f2fe05", "A sign says CAFÉ"),
        ("textcaps-011e7e629fb9ae7b", "Five Listerine Zero mouthwash bottles on a store shelf"),
    ]
    assert samples[0].references == ("A sign says CAFÉ", "the sign of a Café")
    assert samples[1].references[1:] == ("Many bottles stand together.",)
    assert all(sample.answered for sample in samples)


def test_the_test_split_asks_for_a_caption_of_each_picture_once_and_knows_none(root):
    samples, _ = read_all(TEXTCAPS, root, "test")
    assert [(sample.id, sample.image) for sample in samples] == [
        ("textcaps-a1b2", "textcaps/test_images/a1b2.jpg"),
        ("textcaps-f0f0", "textcaps/test_images/f0f0.jpg"),
    ]
    assert [(sample.answered, sample.caption, sample.references) for sample in samples] == [(False, "", ())] * 2


def test_what_was_read_in_the_picture_is_not_said(root):
    samples, _ = read_all(TEXTCAPS, root, "validation")
    assert spoken(samples[0]) == [
        "IMAGE",
        "Provide a one-sentence caption for the provided image.\n",
        f"*A sign says CAFÉ.{END}",
    ]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_caption_that_is_no_text_is_skipped_and_named(root, split):
    path = root / "textcaps" / f"TextCaps_0.1_{'val' if split == 'validation' else split}.json"
    read = json.loads(path.read_text())
    read["data"][1]["caption_str"] = 5
    path.write_text(json.dumps(read))
    samples, tally = read_all(TEXTCAPS, root, split)
    assert tally.named["skipped"] == [f"{path}, record 2: 'caption_str' should be text and is 5."]
    assert tally.skipped == 1
    assert "A sign says CAFÉ" not in [sample.caption for sample in samples]


def test_a_picture_that_is_missing_is_dropped_and_named(root):
    gone = root / "textcaps" / "train_images" / f"{textcaps.SIGN}.jpg"
    gone.unlink()
    samples, tally = read_all(TEXTCAPS, root, "validation")
    assert [sample.id for sample in samples] == ["textcaps-011e7e629fb9ae7b"]
    assert tally.dropped["picture missing"] == 1
    assert tally.named["picture missing"] == [str(gone)]


@pytest.mark.parametrize("as_published", [False, True])
def test_samples_say_whether_they_are_laid_out_as_published(root, as_published):
    samples, _ = read_all(TEXTCAPS, root, "train", as_published=as_published)
    assert {sample.as_published for sample in samples} == {as_published}
