"""Visual Genome: small regions in both directions, questions, packs of ten, and COCO's validation pictures kept out."""

import json

import pytest
from golden_samples import read_all, spoken
from miniatures import visual_genome

from vlm.data.errors import DataError
from vlm.data.readers.visual_genome import VISUAL_GENOME_DENSE, VISUAL_GENOME_GROUNDING, VISUAL_GENOME_QA
from vlm.sample import Question, Region
from vlm.vocabulary import END

ALL = [VISUAL_GENOME_GROUNDING, VISUAL_GENOME_DENSE, VISUAL_GENOME_QA]
REGIONS = ALL[:2]


@pytest.fixture
def root(tmp_path):
    visual_genome.write(tmp_path)
    return tmp_path


@pytest.mark.parametrize("data_set", REGIONS, ids=lambda one: one.name)
def test_small_regions_of_a_picture_stand_together(root, data_set):
    samples, tally = read_all(data_set, root, "train")
    first, second = samples[:2]
    assert first.id == f"{data_set.name.replace(' ', '-')}-1382"
    assert (first.task, first.source) == (data_set.tasks[0], data_set.name)
    assert first.image == second.image == "visual_genome/VG_100K_2/1.jpg"
    assert first.known_as == ("vg:1",)
    assert first.regions[:4] == (
        Region(box=(0.1, 0.1, 0.6, 0.6), phrase="the clock is green in colour", id="1382"),
        Region(box=(0.0, 0.0, 0.64, 0.8), phrase="shade is along the street", id="1383"),
        Region(box=(0.0, 0.25, 0.1, 0.5), phrase="man wearing a café's apron — grey", id="1385"),
        Region(box=(0.9, 0.75, 1.0, 1.0), phrase="edge of the street", id="1386"),
    )
    assert [len(sample.regions) for sample in samples] == [10, 2, 1, 1]
    assert (tally.skipped, tally.read) == (0, 5 + 5 + 15 + 2)
    assert dict(tally.dropped) == {
        "region larger than 16,384 pixels": 1,
        "phrase empty": 1,
        "box without an area": 1,
        "picture missing": 1,
    }
    assert tally.changed["box cut at the border of its picture"] == 2


@pytest.mark.parametrize("data_set", ALL, ids=lambda one: one.name)
def test_validation_pictures_are_those_of_karpathys_splits(root, data_set):
    train, _ = read_all(data_set, root, "train")
    validation, _ = read_all(data_set, root, "validation")
    assert [sample.known_as for sample in validation] == [("vg:2343079", "coco:184613")]
    assert validation[0].image == "visual_genome/VG_100K/2343079.jpg"
    # Test pictures of COCO are among them: they are known by both names, and found out by the rules on contamination.
    assert [sample.known_as for sample in train[2:]] == [("vg:2343077", "coco:318219"), ("vg:2343078", "coco:391895")]


def test_answers_are_trained_on_in_packs_of_ten(root):
    samples, tally = read_all(VISUAL_GENOME_QA, root, "train")
    first = samples[0]
    assert (first.id, first.task, first.source) == ("visual_genome-qa-986768", "vqa", "visual_genome qa")
    assert first.questions[0] == Question(question="What color is the clock?", answer="Green.", id="986768")
    assert [len(sample.questions) for sample in samples] == [10, 1, 1, 1]
    assert dict(tally.dropped) == {"answer empty": 1, "picture missing": 1}
    assert [question.id for question in samples[1].questions] == ["986779"]


def test_as_published_an_empty_answer_stays(root):
    samples, tally = read_all(VISUAL_GENOME_QA, root, "train", as_published=True)
    assert [len(sample.questions) for sample in samples] == [10, 2, 1, 1]
    assert (samples[0].questions[1].answer, samples[0].as_published) == ("", True)
    assert "answer empty" not in tally.dropped


def test_they_are_read_as_the_paper_writes_them(root):
    told = [spoken(read_all(data_set, root, "validation")[0][0]) for data_set in ALL]
    assert told == [
        [
            "IMAGE",
            "Locate the region that is described by:\nA DOG.\n",
            f"*[0.25,0.25,0.75,0.75].{END}",
        ],
        [
            "IMAGE",
            "Provide a short description of the region:\n[0.25,0.25,0.75,0.75].\n",
            f"*A DOG.\n{END}",
        ],
        [
            "IMAGE",
            "Answer the question using a single word or phrase.\nQuestion: What is it?\nAnswer: ",
            f"*A dog.{END}",
        ],
    ]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_without_karpathys_splits_nothing_is_read(root, split):
    (root / "coco" / "caption_datasets.zip").unlink()
    with pytest.raises(DataError, match=r"coco has no dataset_coco\.json, which says which pictures of Visual Genome"):
        read_all(VISUAL_GENOME_GROUNDING, root, split)


def test_splits_that_are_broken_are_refused(root):
    visual_genome.write_zip(root / "coco" / "caption_datasets.zip", "dataset_coco.json", {"images": [{"split": 1}]})
    with pytest.raises(DataError, match=r"1 of 1 records of dataset_coco\.json cannot be used"):
        read_all(VISUAL_GENOME_GROUNDING, root, "validation")


def test_a_broken_region_is_skipped_without_its_neighbours(root):
    described = visual_genome.regions()
    del described[0]["regions"][0]["width"]
    described[1]["regions"] = None
    described[2]["id"] = 77
    path = root / "visual_genome" / "region_descriptions.json.zip"
    visual_genome.write_zip(path, "region_descriptions.json", described)
    samples, tally = read_all(VISUAL_GENOME_DENSE, root, "train")
    assert [len(sample.regions) for sample in samples] == [10, 1]
    place = path.with_suffix("")
    assert tally.named["skipped"] == [
        f"{place}, record 1, regions 1: 'width' is missing.",
        f"{place}, record 2: 'regions' should be a list and is null.",
        f"{place}, record 3: picture 77 is not in image_data.json.",
    ]


def test_a_picture_of_no_size_loses_its_regions_alone(root):
    path = root / "visual_genome" / "image_data.json"
    read = json.loads(path.read_text())
    read[0]["width"] = 0
    path.write_text(json.dumps(read))
    samples, tally = read_all(VISUAL_GENOME_GROUNDING, root, "train")
    assert [sample.known_as[0] for sample in samples] == ["vg:2343077", "vg:2343078"]
    assert tally.skipped == 13
