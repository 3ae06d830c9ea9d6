"""Visual Genome (version 1.2) as its site gives it out, and the splits of COCO that its validation is taken from."""

import json
import zipfile
from pathlib import Path

from miniatures.files import write_json, write_picture

STREET, TRAIN, TEST, VALIDATION, NOT_THERE = 1, 2343077, 2343078, 2343079, 2343080
IN_COCO = {STREET: None, TRAIN: 318219, TEST: 391895, VALIDATION: 184613, NOT_THERE: None}
"""Their numbers in COCO are those that `miniatures.coco` has in these splits."""
WIDTH, HEIGHT = 200, 160


def region(region_id, image_id, phrase, x, y, width, height):
    return {
        "region_id": region_id,
        "width": width,
        "height": height,
        "image_id": image_id,
        "phrase": phrase,
        "y": y,
        "x": x,
    }


def regions():
    street = [
        region(1382, STREET, "the clock is green in colour", 20, 16, 100, 80),
        region(1383, STREET, "shade is along the street ", 0, 0, 128, 128),  # as large as may be
        region(1384, STREET, "a sky", 0, 0, 129, 128),
        region(1385, STREET, "man wearing a café's apron — grey", -10, 40, 30, 40),
        region(1386, STREET, "edge of the street", 180, 120, 60, 80),
        region(1387, STREET, "  ", 10, 10, 10, 10),
        region(1388, STREET, "nothing is left of it", 210, 10, 20, 20),
        *(region(1400 + n, STREET, f"window {n}", 10 * n, 0, 10, 10) for n in range(8)),
    ]
    others = (TRAIN, TEST, VALIDATION, NOT_THERE)
    return [
        {"regions": street, "id": STREET},
        *({"regions": [region(10 * n, n, "A DOG", 50, 40, 100, 80)], "id": n} for n in others),
    ]


def question(qa_id, image_id, asked, answer):
    things = [{"synsets": ["curb.n.01"], "h": 20, "object_id": 1058498, "names": ["curb"], "w": 30, "y": 7, "x": 8}]
    return {
        "a_objects": things,
        "question": asked,
        "image_id": image_id,
        "qa_id": qa_id,
        "answer": answer,
        "q_objects": [],
    }


def questions():
    street = [
        question(986768, STREET, "What color is the clock?", "Green."),
        question(986769, STREET, "Who is there?", ""),
        *(question(986770 + n, STREET, f"How many windows are left of number {n}?", f"{n}.") for n in range(10)),
    ]
    return [
        {"id": STREET, "qas": street},
        *({"id": n, "qas": [question(10 * n, n, "What is it?", "A dog.")]} for n in (TRAIN, TEST, VALIDATION)),
        {"id": NOT_THERE, "qas": []},
    ]


def write(root: Path) -> None:
    folder = root / "visual_genome"
    pictures = [
        {
            "width": WIDTH,
            "url": f"https://cs.stanford.edu/people/rak248/VG_100K_2/{number}.jpg",
            "height": HEIGHT,
            "image_id": number,
            "coco_id": coco_id,
            "flickr_id": None,
        }
        for number, coco_id in IN_COCO.items()
    ]
    write_json(folder / "image_data.json", pictures)
    write_zip(folder / "region_descriptions.json.zip", "region_descriptions.json", regions())
    write_zip(folder / "question_answers.json.zip", "question_answers.json", questions())
    write_picture(folder / "VG_100K_2" / f"{STREET}.jpg", WIDTH, HEIGHT)
    for number in (TRAIN, TEST, VALIDATION):
        write_picture(folder / "VG_100K" / f"{number}.jpg", WIDTH, HEIGHT)
    splits = {TRAIN: "train", TEST: "test", VALIDATION: "val"}
    karpathy = [{"split": split, "cocoid": IN_COCO[n], "sentids": [], "sentences": []} for n, split in splits.items()]
    archive = root / "coco" / "caption_datasets.zip"
    if not archive.exists():  # with captions, where those of COCO were written
        write_zip(archive, "dataset_coco.json", {"images": karpathy, "dataset": "coco"})


def write_zip(path: Path, name: str, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, json.dumps(value))
