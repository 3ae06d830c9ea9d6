"""No sample of the mixture is in a test set of the paper. What is in them is read here anew, from the files of the data
sets and without what `vlm.data.contamination` knows of them."""

import csv
import json
import pickle
import re
import zipfile

import pytest
from miniatures import refcoco, visual7w, visual_genome

from vlm.data.manifest import read_manifest
from vlm.dataset import open_split
from vlm.places import Place

REMOVED = {
    "llava_instruct": {"picture in COCO Karpathy test": 1},
    "coco": {"picture in RefCOCO test": 2, "picture in RefCOCO+ test": 2, "picture in RefCOCOg test": 2},
    "refcocog": {"picture in RefCOCO test": 1, "picture in RefCOCO+ test": 1},
    "refcocog dense": {"picture in RefCOCO test": 1, "picture in RefCOCO+ test": 1},
    "visual_genome grounding": {"picture in COCO Karpathy test": 1},
    "visual_genome dense": {"picture in COCO Karpathy test": 1},
    "visual_genome qa": {"picture in COCO Karpathy test": 1, "question in Visual7W test": 3},
    "visual7w telling": {"picture in COCO Karpathy test": 4},
    "vqa_v2": {"picture in COCO Karpathy test": 1, "picture in RefCOCO test": 1, "picture in RefCOCO+ test": 1},
    "gqa": {"picture in COCO Karpathy test": 1},
    "aokvqa": {"picture in COCO Karpathy test": 4},
    "vsr": {"picture in COCO Karpathy test": 1},
}
"""Training samples, and questions, that `small_data_sets.add_overlaps` has put there."""


def packed(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


@pytest.fixture(scope="module")
def tested(data_sets):
    """Files of pictures that must not be trained on: by the number in their name, of COCO, Visual Genome and AI2D."""
    coco = data_sets / "coco"
    karpathy = json.loads(packed(coco / "caption_datasets.zip", "dataset_coco.json"))["images"]
    numbers = {image["cocoid"] for image in karpathy if image["split"] == "test"}
    pickles = [
        packed(coco / "refcoco.zip", "refcoco/refs(unc).p"),
        (coco / "refcoco+" / "refs(unc).p").read_bytes(),
        packed(coco / "refcocog.zip", "refcocog/refs(umd).p"),
    ]
    for file in pickles:
        references = pickle.loads(file, encoding="latin1")
        numbers |= {int(one["image_id"]) for one in references if one["split"].startswith("test")}
    genome = json.loads((data_sets / "visual_genome" / "image_data.json").read_text())
    lines = csv.reader((data_sets / "ai2d" / "ai2d_test_ids.csv").open())
    return {
        "coco": numbers,
        "vg": {image["image_id"] for image in genome if image["coco_id"] in numbers},
        "ai2d": {int(line[0]) for line in lines},
    }


def trained_of_tests(folder, tested):
    """Data sets that are trained on with a picture of a test set."""
    places = {"coco": r"coco/\w+2017/", "vg": r"(?:visual_genome/\w+|gqa/images|visual7w/images)/(?:v7w_)?"}
    places["ai2d"] = r"ai2d/ai2d/images/"
    found = set()
    for sample in open_split(folder, "train"):
        for kind, place in places.items():
            number = re.fullmatch(rf"{place}(\d+)\.\w+", sample.image)
            if number and int(number[1]) in tested[kind]:
                found.add(sample.source)
    return found


def test_no_picture_of_a_test_set_is_trained_on_unless_it_is_asked_for(instruct, kept, tested):
    assert len(tested["coco"]) == 3 and len(tested["vg"]) == 1 and len(tested["ai2d"]) == 3
    assert trained_of_tests(instruct, tested) == set()
    pictures = {name for name, counts in REMOVED.items() if any(reason.startswith("picture") for reason in counts)}
    assert trained_of_tests(kept, tested) == {name for name in pictures if not name.startswith("refcocog ")}


def test_no_test_question_of_visual7w_is_trained_on_with_its_answer(data_sets, instruct, kept):
    folder = data_sets / "visual7w"
    images = json.loads(packed(folder / "dataset_v7w_telling.zip", "dataset_v7w_telling.json"))["images"]
    images += json.loads((folder / "dataset_v7w_pointing.json").read_text())["images"]
    pairs = [pair for image in images if image["split"] == "test" for pair in image["qa_pairs"]]
    numbers = {str(pair["qa_id"]) for pair in pairs}
    texts = {pair["question"].lower() for pair in pairs}

    def asked(folder):
        samples = [one for one in open_split(folder, "train") if f"vg:{visual7w.TESTED}" in one.known_as]
        return {
            question.id: " ".join(question.question.lower().split()) for one in samples for question in one.questions
        }

    def shared(asked):
        return {number for number, text in asked.items() if number in numbers or text in texts}

    assert len(asked(kept)) == 4 and len(shared(asked(kept))) == 3
    assert asked(instruct) == {
        number: text for number, text in asked(kept).items() if number not in shared(asked(kept))
    }
    assert list(asked(instruct).values()) == ["what is asked here alone?"]


def test_the_manifest_counts_what_was_removed_of_each_data_set(instruct, kept):
    cleaned, whole = (read_manifest(Place(str(folder))) for folder in (instruct, kept))
    for name, facts in cleaned.sets.items():
        counts, others = facts.splits["train"], whole.sets[name].splits["train"]
        removed = {
            why: count for why, count in counts.dropped.items() if re.search(r"^(picture|question) in .* test$", why)
        }
        assert removed == REMOVED.get(name, {}), name
        assert counts.dropped == {**others.dropped, **removed}, name
        assert (counts.kept < others.kept) == (name in REMOVED), name
        assert all(counts.named[reason] for reason in removed)
        assert facts.splits.get("validation") == whole.sets[name].splits.get("validation")
    assert cleaned.unchecked == () and whole.unchecked


def test_pictures_that_only_their_test_questions_keep_out_are_trained_on_otherwise(instruct):
    """Regions of a picture of Visual7W's test are no answers to its questions; and the training pictures stay."""
    sources = {}
    for sample in open_split(instruct, "train"):
        for name in sample.known_as:
            sources.setdefault(name, set()).add(sample.source)
    genome = {f"visual_genome {part}" for part in ("grounding", "dense", "qa")}
    assert sources[f"vg:{visual7w.TESTED}"] == genome
    assert sources[f"vg:{visual_genome.TRAIN}"] == genome
    assert sources[f"coco:{refcoco.TRAIN}"] == {"refcoco", "refcoco+", "refcocog"}
