"""NoCaps: a sample for each picture, by domain, and pictures where people put them."""

import json

import pytest
from golden_samples import read_all, spoken
from miniatures import nocaps

from vlm.data.errors import DataError
from vlm.data.readers.nocaps import NOCAPS
from vlm.sample import Sample
from vlm.vocabulary import END


@pytest.fixture
def root(tmp_path):
    nocaps.write(tmp_path)
    return tmp_path


def test_validation_has_one_sample_for_each_picture_with_its_captions_and_its_domain(root):
    samples, tally = read_all(NOCAPS, root, "validation")
    assert samples[0] == Sample(
        id="nocaps-val-0",
        image="nocaps/images/0013ea2087020901.jpg",
        task="captioning",
        source="nocaps",
        caption="A baby is standing in front of a house.",
        references=("A baby is standing in front of a house.", "A little girl in a white jacket and sandals."),
        group="near-domain",
        known_as=("openimages:0013ea2087020901",),
    )
    assert (samples[1].image, samples[1].group) == ("nocaps/val/0016f5be00000a3e.jpg", "out-domain")
    assert samples[1].references == ("A red accordion on a café's table",)
    assert len(samples) == 2
    assert (tally.read, tally.skipped) == (7, 0)
    assert dict(tally.dropped) == {"caption empty": 1, "picture without a caption": 1}


def test_the_test_split_asks_for_captions_and_knows_none(root):
    samples, _ = read_all(NOCAPS, root, "test")
    assert [(sample.id, sample.image) for sample in samples] == [
        ("nocaps-test-0", "nocaps/test/0005339c44e6071b.jpg"),
        ("nocaps-test-1", "nocaps/images/000c4d66ce89aa69.jpg"),
    ]
    assert [(sample.answered, sample.references, sample.group) for sample in samples] == [(False, (), "")] * 2


def test_it_is_read_as_coco_is(root):
    samples, _ = read_all(NOCAPS, root, "validation")
    assert spoken(samples[1]) == [
        "IMAGE",
        "Provide a one-sentence caption for the provided image.\n",
        f"*A red accordion on a café's table.{END}",
    ]


def test_a_file_without_captions_is_refused_for_validation(root):
    path = root / "nocaps" / "nocaps_val_4500_captions.json"
    read = json.loads(path.read_text())
    del read["annotations"]
    path.write_text(json.dumps(read))
    with pytest.raises(DataError, match=r"captions\.json has no 'annotations' in it"):
        read_all(NOCAPS, root, "validation")


@pytest.mark.parametrize("as_published", [False, True])
def test_samples_say_whether_they_are_laid_out_as_published(root, as_published):
    samples, _ = read_all(NOCAPS, root, "validation", as_published=as_published)
    assert {sample.as_published for sample in samples} == {as_published}
