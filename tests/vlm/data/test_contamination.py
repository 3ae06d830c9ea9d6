"""What is in a test set of the paper is found in training data, under every name of a picture."""

import json
import pickle
import shutil
import zipfile
from collections import Counter

import pytest
from miniatures.files import write_json, write_lines

from vlm.data.contamination import clean, find, listed
from vlm.data.errors import DataError
from vlm.sample import Question, Sample

KARPATHY, GENOME = "coco/dataset_coco.json", "visual_genome/image_data.json"


def write_pickle(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value, protocol=2))


def write_test_sets(root):
    """The files that test sets are read from, with the fields that are read of them and some others."""
    images = [
        {"cocoid": number, "split": split, "filepath": "val2014", "sentids": [], "sentences": []}
        for number, split in ((1, "train"), (2, "restval"), (3, "val"), (4, "test"))
    ]
    write_json(root / KARPATHY, {"images": images, "dataset": "coco"})
    splits = {"refcoco": ("testA", "testB"), "refcoco+": ("testA", "testA"), "refcocog": ("test", "val")}
    for place, (folder, (first, second)) in enumerate(splits.items()):
        file = "refs(umd).p" if folder == "refcocog" else "refs(unc).p"
        refs = [
            {"image_id": 10 + place, "split": first, "ref_id": 1, "sentences": [{"raw": "a dog"}]},
            {"image_id": 20 + place, "split": second, "ref_id": 2, "sentences": []},
            {"image_id": 30, "split": "train", "ref_id": 3, "sentences": []},
        ]
        write_pickle(root / "coco" / folder / file, refs)
    asked = [{"image_id": number, "question": "Why?", "question_id": number * 1000} for number in (2, 3, 2)]
    write_json(root / "coco/v2_OpenEnded_mscoco_val2014_questions.json", {"questions": asked})
    for number, way in enumerate(("adversarial", "popular", "random"), start=50):
        line = {"question_id": 1, "image": f"COCO_val2014_{number:012d}.jpg", "text": "Is it?", "label": "yes"}
        write_lines(root / f"coco/coco_pope_{way}.json", [line])
    write_lines(root / "vsr/test.jsonl", [{"image": "000000000060.jpg", "caption": "A cat.", "label": 1}])
    for way, number in (("telling", 700), ("pointing", 800)):
        images = [
            {
                "image_id": 2_000 + place,
                "split": split,
                "filename": f"v7w_{2_000 + place}.jpg",
                "qa_pairs": [{"qa_id": number + place, "question": f"Where is the {way}  Dog?", "answer": "Here."}],
            }
            for place, split in enumerate(("train", "val", "test"))
        ]
        write_json(root / f"visual7w/dataset_v7w_{way}.json", {"dataset": "visual7w", "images": images})
    genome = ((2_000, 4), (2_002, 7), (2_003, None))
    write_json(root / GENOME, [{"image_id": image_id, "coco_id": coco_id} for image_id, coco_id in genome])
    (root / "ai2d").mkdir()
    (root / "ai2d/ai2d_test_ids.csv").write_text("image\r\n12\r\n345\r\n")


@pytest.fixture
def root(tmp_path):
    write_test_sets(tmp_path)
    return tmp_path


@pytest.fixture
def found(root):
    return find(root)


def sample(*known_as, source="visual_genome", questions=(("9", "What?"),)):
    asked = tuple(Question(question=text, answer="This.", id=number) for number, text in questions)
    return Sample(id="s", image="a.jpg", task="vqa", source=source, questions=asked, known_as=known_as)


def test_pictures_of_each_test_set_are_known_by_their_names(found):
    assert found.pictures == {
        "coco:4": ("COCO Karpathy test",),
        "vg:2000": ("COCO Karpathy test",),
        "coco:10": ("RefCOCO test",),
        "coco:20": ("RefCOCO test",),
        "coco:11": ("RefCOCO+ test",),
        "coco:21": ("RefCOCO+ test",),
        "coco:12": ("RefCOCOg test",),
        "ai2d:12.png": ("AI2D test",),
        "ai2d:345.png": ("AI2D test",),
    }
    assert found.listed == {
        "coco:2": ("VQAv2 validation",),
        "coco:3": ("VQAv2 validation",),
        **{f"coco:{number}": ("POPE",) for number in (50, 51, 52)},
        "coco:60": ("VSR test",),
        "vg:2002": ("Visual7W test",),
        "coco:7": ("Visual7W test",),
    }
    assert found.unchecked == ()


@pytest.mark.parametrize("source", ["llava_instruct", "visual_genome", "visual7w telling"])
def test_a_training_sample_with_a_picture_of_a_test_set_is_removed_whatever_its_source(found, source):
    for names in (("coco:4",), ("vg:2000",), ("vg:2000", "coco:4")):
        assert clean(sample(*names, source=source), found) == (None, Counter({"picture in COCO Karpathy test": 1}))


def test_a_picture_in_two_test_sets_is_counted_for_both(root):
    path = root / KARPATHY
    read = json.loads(path.read_text())
    read["images"][0].update(cocoid=10, split="test")
    path.write_text(json.dumps(read))
    both = Counter({"picture in COCO Karpathy test": 1, "picture in RefCOCO test": 1})
    assert clean(sample("coco:10"), find(root)) == (None, both)


def test_pictures_that_the_paper_trains_on_are_listed_and_stay(found):
    kept = sample("vg:1", "coco:2")
    assert clean(kept, found) == (kept, Counter())
    assert listed(kept, found) == ("picture in VQAv2 validation",)
    assert listed(sample("coco:7"), found) == ("picture in Visual7W test",)
    assert listed(sample("coco:1"), found) == ()


TELLING, POINTING = "Where is the telling Dog?", "Where is the pointing Dog?"


@pytest.mark.parametrize("asked", [("702", "Other"), ("802", "Other"), ("1", "where is  the telling dog?")])
def test_test_questions_of_visual7w_are_taken_out_of_visual_genome_by_their_number_or_text(found, asked):
    whole = sample("vg:2002", "coco:7", questions=(("1000", "What?"), asked))
    kept, removed = clean(whole, found)
    assert [question.id for question in kept.questions] == ["1000"]
    assert removed == Counter({"question in Visual7W test": 1})


def test_a_sample_without_a_question_left_is_removed(found):
    whole = sample("vg:2002", questions=(("702", TELLING), ("802", POINTING)))
    assert clean(whole, found) == (None, Counter({"question in Visual7W test": 2}))


@pytest.mark.parametrize(
    "kept",
    [
        sample("vg:2002", source="visual7w telling", questions=(("702", TELLING),)),
        sample("vg:2002", source="gqa", questions=(("702", "Other"),)),
        sample("vg:2001", questions=(("701", TELLING),)),  # of its validation
        sample("vg:2005", questions=(("702", TELLING),)),  # of another picture
    ],
)
def test_other_questions_stay(found, kept):
    assert clean(kept, found) == (kept, Counter())


def test_without_files_it_says_what_was_not_looked_for(root, tmp_path):
    assert len(find(tmp_path / "empty").unchecked) == 13
    (root / KARPATHY).unlink()
    (root / GENOME).unlink()
    assert find(root).unchecked == (
        f"COCO Karpathy test: not looked for, since {root / KARPATHY} is not there.",
        "Pictures of COCO's test sets in data that names them by Visual Genome alone: not looked for, since "
        f"{root / GENOME} is not there.",
    )


def test_a_broken_file_is_an_error_and_not_an_empty_test_set(root):
    path = root / KARPATHY
    whole = path.read_bytes()
    path.write_bytes(whole[:-60])
    with pytest.raises(DataError, match=r"dataset_coco\.json ends too early"):
        find(root)
    path.write_bytes(whole.replace(b'"cocoid"', b'"number"'))
    with pytest.raises(DataError, match="'cocoid' is missing"):
        find(root)


def test_sets_of_refcoco_are_read_from_their_archives(root, found):
    for name in ("refcoco", "refcoco+"):
        folder = root / "coco" / name
        with zipfile.ZipFile(root / "coco" / f"{name}.zip", "w") as archive:
            archive.write(folder / "refs(unc).p", f"{name}/refs(unc).p")
        shutil.rmtree(folder)
    assert find(root) == found


def test_a_pickle_that_would_run_a_program_is_refused(root):
    write_pickle(root / "coco/refcoco/refs(unc).p", [print])
    with pytest.raises(DataError, match=r"refs\(unc\)\.p"):
        find(root)


def test_it_travels_to_other_processes(found):
    assert pickle.loads(pickle.dumps(found)) == found
