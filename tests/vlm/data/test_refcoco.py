"""RefCOCO, RefCOCO+, RefCOCOg: every expression of an object, and one of it where it is to be described."""

import json
import os
import pickle
import zipfile

import pytest
from golden_samples import read_all, spoken
from miniatures import refcoco
from miniatures.python2 import Long, pickled

from vlm.data.errors import DataError
from vlm.data.readers.refcoco import (
    REFCOCO,
    REFCOCO_DENSE,
    REFCOCO_G,
    REFCOCO_G_DENSE,
    REFCOCO_PLUS,
    REFCOCO_PLUS_DENSE,
)
from vlm.sample import Region
from vlm.vocabulary import END

LADY = (0.1, 0.1, 0.3, 0.6)
GUY = (0.0, 0.75, 0.1, 1.0)
GROUNDING = [REFCOCO, REFCOCO_PLUS, REFCOCO_G]
DENSE = [REFCOCO_DENSE, REFCOCO_PLUS_DENSE, REFCOCO_G_DENSE]


@pytest.fixture
def root(tmp_path):
    refcoco.write(tmp_path)
    return tmp_path


def write_references(root, references):
    """Of RefCOCO+, as Python 3 writes them."""
    path = root / "coco" / "refcoco+" / "refs(unc).p"
    path.write_bytes(pickle.dumps(_short(references)))
    return path


def _short(value):
    if isinstance(value, Long):
        return int(value)
    if type(value) is dict:
        return {key: _short(one) for key, one in value.items()}
    return [_short(one) for one in value] if type(value) is list else value


@pytest.mark.parametrize("data_set", GROUNDING, ids=lambda one: one.name)
def test_all_expressions_of_a_picture_stand_together(root, data_set):
    (sample,), tally = read_all(data_set, root, "train")
    assert sample.id == f"{data_set.name}-98304"
    assert sample.image == "coco/train2017/000000098304.jpg"
    assert (sample.task, sample.source, sample.known_as) == ("visual_grounding", data_set.name, ("coco:98304",))
    assert sample.regions == (
        Region(box=pytest.approx(LADY), phrase="the lady with the blue shirt", id="0.0"),
        Region(box=pytest.approx(LADY), phrase="lady", id="0.1"),
        Region(box=pytest.approx(LADY), phrase="woman at the café", id="0.2"),
        Region(box=pytest.approx(GUY), phrase="left guy", id="1.3"),
    )
    assert (sample.group, tally.skipped) == ("", 0)
    assert dict(tally.dropped) == {"phrase empty": 1, "box without an area": 1, "picture missing": 1}
    assert dict(tally.changed) == {"box cut at the border of its picture": 1}


def test_it_is_read_as_the_paper_writes_it(root):
    (sample,), _ = read_all(REFCOCO, root, "validation")
    assert spoken(sample) == [
        "IMAGE",
        "Locate the region that is described by:\nMan in black.\n",
        f"*[0.50,0.00,1.00,1.00].{END}",
        "\nMan on the right.\n",
        f"*[0.50,0.00,1.00,1.00].{END}",
    ]


@pytest.mark.parametrize("data_set", GROUNDING, ids=lambda one: one.name)
def test_each_expression_of_the_test_splits_stands_alone(root, data_set):
    samples, _ = read_all(data_set, root, "test")
    told = [(sample.id, sample.group, sample.known_as, [r.phrase for r in sample.regions]) for sample in samples]
    first, second = ("test", "test") if data_set is REFCOCO_G else ("testA", "testB")
    expected = [
        (f"{data_set.name}-10.30", first, ("coco:581857",), ["zebra"]),
        (f"{data_set.name}-10.31", first, ("coco:581857",), ["the zebra"]),
        (f"{data_set.name}-11.33", second, ("coco:579893",), ["zebra"]),
        (f"{data_set.name}-11.34", second, ("coco:579893",), ["the zebra"]),
    ]
    assert told == expected[: 2 if data_set is REFCOCO_G else 4]
    assert samples[0].regions[0].box == (0.0, 0.0, 0.5, 0.5)


@pytest.mark.parametrize("data_set", DENSE, ids=lambda one: one.name)
def test_one_expression_of_an_object_is_described(root, data_set):
    (sample,), _ = read_all(data_set, root, "train")
    lady, guy = sample.regions
    assert (sample.task, sample.source) == ("dense_captioning", data_set.name.removesuffix(" dense"))
    assert sample.id == f"{sample.source}-dense-98304"
    assert (lady.box, guy.box) == (pytest.approx(LADY), pytest.approx(GUY))
    assert spoken(sample)[1:3] == [
        "Provide a short description of the region:\n[0.10,0.10,0.30,0.60].\n",
        f"*{lady.phrase.capitalize()}.\n",
    ]
    assert data_set.splits == ("train", "validation")


def test_which_expression_is_described_depends_on_the_seed_alone(root):
    drawn = {}
    for seed in range(40):
        (sample,), _ = read_all(REFCOCO_DENSE, root, "train", seed=seed)
        drawn[seed] = sample.regions[0].id
        again, _ = read_all(REFCOCO_DENSE, root, "train", seed=seed)
        assert again == [sample]
    assert set(drawn.values()) == {"0.0", "0.1", "0.2"}
    turned = refcoco.references("testA", "testB")[::-1]
    for one in turned:
        one["sentences"].reverse()
    refcoco.write_zip(root / "coco" / "refcoco.zip", "refs(unc).p", pickled(turned))
    for seed, region in drawn.items():
        (sample,), _ = read_all(REFCOCO_DENSE, root, "train", seed=seed)
        assert sample.regions[-1].id == region


def test_references_to_one_object_are_described_once(root):
    references = refcoco.references("testA", "testB")
    references.append(refcoco.reference(99, 1719310, refcoco.TRAIN, "train", "her"))
    write_references(root, references)
    (sample,), _ = read_all(REFCOCO_PLUS_DENSE, root, "train")
    assert len(sample.regions) == 2
    (sample,), _ = read_all(REFCOCO_PLUS, root, "train")
    assert len(sample.regions) == 5
    (sample,), _ = read_all(REFCOCO_PLUS, root, "train", as_published=True)
    assert [region.phrase for region in sample.regions] == ["her", "left guy"]


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_as_published_the_last_expression_of_an_object_is_all_there_is(root, split):
    samples, _ = read_all(REFCOCO, root, split, as_published=True)
    phrases = [[region.phrase for region in sample.regions] for sample in samples]
    assert (
        phrases
        == {
            "train": [["woman at the café", "left guy"]],
            "validation": [["man on the right"]],
            "test": [["the zebra"], ["the zebra"]],
        }[split]
    )
    assert all(sample.as_published for sample in samples)


def test_as_published_boxes_are_looked_for_once_more_and_nothing_is_described(root):
    (twice,), _ = read_all(REFCOCO_DENSE, root, "train", as_published=True)
    (once,), _ = read_all(REFCOCO, root, "train", as_published=True)
    assert twice.task == "visual_grounding"
    assert (twice.regions, twice.image, twice.source) == (once.regions, once.image, once.source)
    assert twice.id != once.id


def test_a_set_is_not_taken_from_the_zip_of_another(root):
    (root / "coco" / "refcoco.zip").unlink()
    with pytest.raises(DataError, match=r"coco has no refcoco/refs\(unc\)\.p: download it there"):
        read_all(REFCOCO, root, "train")


@pytest.mark.parametrize("above", ["", "data/refer/"])
def test_names_in_a_zip_may_begin_further_up_or_down(root, above):
    with zipfile.ZipFile(root / "coco" / "refcoco.zip", "w") as archive:
        folder = f"{above}refcoco/" if above else ""
        archive.writestr(f"{folder}instances.json", json.dumps(refcoco.instances()))
        archive.writestr(f"{folder}refs(unc).p", pickled(refcoco.references("testA", "testB")))
    assert len(read_all(REFCOCO, root, "test")[0]) == 4


def test_a_pickle_that_would_run_a_program_is_refused_and_named(root):
    class Attack:
        def __reduce__(self):
            return os.system, ("exit 1",)

    path = root / "coco" / "refcoco+" / "refs(unc).p"
    path.write_bytes(pickle.dumps([Attack()]))
    with pytest.raises(DataError, match=r"refcoco\+/refs\(unc\)\.p holds more than plain data \(STACK_GLOBAL\)"):
        read_all(REFCOCO_PLUS, root, "train")


def test_a_pickle_of_something_else_is_refused(root):
    (root / "coco" / "refcoco+" / "refs(unc).p").write_bytes(pickle.dumps({"refs": []}))
    with pytest.raises(DataError, match="holds no list of references"):
        read_all(REFCOCO_PLUS, root, "train")


def _endless():
    """Small in memory, and no computer could write it out."""
    value = ()
    for _ in range(60):
        value = (value, value)
    return value


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("ann_id", "1719310", "'ann_id' should be a whole number and is \"1719310\""),
        ("ann_id", 7, "annotation 7 of picture 98304 is not in refcoco+/instances.json"),
        ("image_id", 131075, "annotation 1719310 of picture 131075 is not in refcoco+/instances.json"),
        ("split", None, "'split' should be text and is null"),
        ("split", {3, 4}, "'split' should be text and is \"{3, 4}\""),
        ("sentences", ("lady",), "'sentences' should be a list and is [\"lady\"]"),
        ("ref_id", _endless(), "'ref_id' should be a number or text and is " + "[" * 60),
    ],
)
def test_a_broken_reference_is_skipped_and_named(root, field, value, why):
    references = refcoco.references("testA", "testB")
    references[0][field] = value
    path = write_references(root, references)
    (sample,), tally = read_all(REFCOCO_PLUS, root, "train")
    assert [region.phrase for region in sample.regions] == ["left guy"]
    assert tally.named["skipped"] == [f"{path}, reference 1: {why}."]


def test_what_is_no_reference_and_no_sentence_is_skipped_alone(root):
    references = [b"\xff", *refcoco.references("testA", "testB")]
    del references[1]["sentences"][1]["sent"]
    path = write_references(root, references)
    (sample,), tally = read_all(REFCOCO_PLUS, root, "train")
    assert [region.id for region in sample.regions] == ["0.0", "0.2", "1.3"]
    assert tally.named["skipped"] == [
        f"{path}, reference 1: it should be an object and is \"b'\\\\xff'\".",
        f"{path}, reference 2, sentences 2: 'sent' is missing.",
    ]


def test_an_annotation_without_a_whole_box_or_a_picture_is_skipped(root):
    path = root / "coco" / "refcoco+" / "instances.json"
    read = json.loads(path.read_text())
    read["annotations"][0]["bbox"].pop()
    read["images"] = [image for image in read["images"] if image["id"] != refcoco.VAL]
    path.write_text(json.dumps(read))
    (sample,), tally = read_all(REFCOCO_PLUS, root, "train")
    assert [region.phrase for region in sample.regions] == ["left guy"]
    assert f"{path}, record 1: 'bbox' should be 4 numbers and is [64.0, 48.0, 128.0]." in tally.named["skipped"]
    samples, tally = read_all(REFCOCO_PLUS, root, "validation")
    assert samples == []
    assert f"{path}, record 6: picture 131075 has no size in refcoco+/instances.json." in tally.named["skipped"]
