"""Captions of COCO: a sample each where they are trained on, and all of a picture together where they are scored."""

import json

import pytest
from golden_samples import read_all, spoken
from miniatures import coco

from vlm.data.errors import DataError
from vlm.data.readers.coco import COCO
from vlm.prompt import UNSCORED, lay_out
from vlm.sample import Sample
from vlm.vocabulary import END, read_vocabulary


@pytest.fixture
def root(tmp_path):
    coco.write(tmp_path)
    return tmp_path


def test_training_has_a_sample_for_each_caption_and_takes_in_restval(root):
    samples, tally = read_all(COCO, root, "train")
    assert [(sample.id, sample.caption) for sample in samples] == [
        ("coco-522418-5224180", "A woman cutting a large white sheet cake"),
        ("coco-522418-5224181", "a woman with a LARGE cake."),
        ("coco-318219-3182190", "A café at night"),
    ]
    assert samples[0] == Sample(
        id="coco-522418-5224180",
        image="coco/val2017/000000522418.jpg",
        task="captioning",
        source="coco",
        caption="A woman cutting a large white sheet cake",
        known_as=("coco:522418",),
    )
    assert (tally.read, tally.skipped, dict(tally.dropped)) == (5, 0, {"picture missing": 1})


def test_validation_has_a_sample_for_each_caption_too_and_names_all_of_the_picture(root):
    samples, tally = read_all(COCO, root, "validation")
    assert [sample.caption for sample in samples] == ["A zebra.", "Zebras grazing."]
    assert [sample.references for sample in samples] == [("A zebra.", "Zebras grazing.")] * 2
    assert dict(tally.dropped) == {"caption empty": 1}


def test_the_test_split_has_one_sample_for_each_picture_with_all_captions(root):
    (sample,), _ = read_all(COCO, root, "test")
    assert sample.id == "coco-391895"
    assert sample.image == "coco/train2017/000000391895.jpg"
    assert sample.caption == "A man with a red helmet on a small moped on a dirt road."
    assert len(sample.references) == 3
    assert sample.references[0] == sample.caption
    assert sample.answered


def test_it_is_read_as_the_paper_writes_it(root):
    samples, _ = read_all(COCO, root, "train")
    assert spoken(samples[2]) == [
        "IMAGE",
        "Provide a one-sentence caption for the provided image.\n",
        f"*A café at night.{END}",
    ]


def test_the_caption_alone_carries_loss_with_its_end(root):
    samples, _ = read_all(COCO, root, "train")
    layout = lay_out(samples[0], "task-agnostic", read_vocabulary("gpt-neox-20b"), (1, 1))
    assert layout.ids[:3] == (4118, -200, 4118)
    carrying = [label for label in layout.labels if label != UNSCORED]
    assert carrying == [34, 3416, 9968, 247, 1781, 3168, 8335, 15221, 15, 0]


def test_the_annotations_may_lie_unpacked(root):
    before, _ = read_all(COCO, root, "train")
    (root / "coco" / coco.ARCHIVE).unlink()
    (root / "coco" / coco.ANNOTATIONS).write_text(json.dumps({"images": coco.images()}))
    assert read_all(COCO, root, "train")[0] == before


def test_without_annotations_a_sentence_says_what_to_get(root):
    (root / "coco" / coco.ARCHIVE).unlink()
    with pytest.raises(DataError, match=r"coco has no dataset_coco\.json: download it there"):
        read_all(COCO, root, "train")


def test_a_picture_in_an_unknown_split_or_without_a_number_is_skipped_and_named(root):
    described = coco.images()
    described[1]["split"] = "restvl"
    del described[3]["cocoid"]
    coco.write_archive(root, described)
    place = root / "coco" / coco.ANNOTATIONS
    samples, tally = read_all(COCO, root, "train")
    assert samples == []
    assert tally.named["skipped"] == [
        f"{place}, record 2: 'split' should be one of train, restval, val, test and is 'restvl'.",
        f"{place}, record 4: 'cocoid' is missing.",
    ]


@pytest.mark.parametrize("as_published", [False, True])
def test_samples_say_whether_they_are_laid_out_as_published(root, as_published):
    samples, _ = read_all(COCO, root, "train", as_published=as_published)
    assert {sample.as_published for sample in samples} == {as_published}
