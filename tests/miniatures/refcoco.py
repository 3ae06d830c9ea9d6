"""RefCOCO, RefCOCO+ and RefCOCOg as their site gives them out: pickles of Python 2 among them, and two of the zips."""

import json
import zipfile
from pathlib import Path

from miniatures.files import write_json, write_picture
from miniatures.python2 import Long, pickled

TRAIN, VAL, TEST_A, TEST_B, NOT_THERE = 98304, 131075, 581857, 579893, 98305
WIDTH, HEIGHT = 640, 480


def reference(ref_id, ann_id, image_id, split, *texts, category_id=1):
    first = Long(3 * ref_id)
    return {
        "sent_ids": [first + n for n in range(len(texts))],
        "file_name": f"COCO_train2014_{image_id:012d}_{ann_id}.jpg",
        "ann_id": Long(ann_id),
        "ref_id": ref_id,
        "image_id": image_id,
        "split": split,
        "sentences": [
            {"tokens": text.split(), "raw": f"{text.title()}!", "sent_id": first + n, "sent": text}
            for n, text in enumerate(texts)
        ],
        "category_id": category_id,
    }


def annotation(id, image_id, bbox):
    x, y, width, height = bbox
    outline = [[x, y, x + width, y, x + width, y + height, x, y + height]]
    return {
        "segmentation": outline,
        "area": width * height,
        "iscrowd": 0,
        "image_id": image_id,
        "bbox": bbox,
        "category_id": 1,
        "id": id,
    }


def references(*tests):
    """Of a set whose test splits are these, with a picture each."""
    tested = zip(tests, (TEST_A, TEST_B), strict=False)
    return [
        reference(0, 1719310, TRAIN, "train", "the lady with the blue shirt", "lady", "woman at the café"),
        reference(7, 1719400, VAL, "val", "man in black", "man on the right"),
        reference(1, 1719311, TRAIN, "train", "left guy", ""),  # one is empty
        reference(2, 1719312, TRAIN, "train", "what is beside the picture"),  # nothing of its box is inside
        reference(3, 1719313, NOT_THERE, "train", "a picture that is missing"),
        *(reference(10 + n, image, image, split, "zebra", "the zebra") for n, (split, image) in enumerate(tested)),
    ]


def instances():
    boxes = {
        1719310: (TRAIN, [64.0, 48.0, 128.0, 240.0]),
        1719311: (TRAIN, [-1.5, 360.0, 65.5, 180.0]),  # beyond two borders
        1719312: (TRAIN, [640.0, 10.0, 20.0, 20.0]),
        1719313: (NOT_THERE, [0, 0, 64, 48]),
        1719314: (TRAIN, [1, 1, 2, 2]),  # nobody refers to it
        1719400: (VAL, [320, 0, 320, 480]),
        TEST_A: (TEST_A, [0, 0, 320, 240]),
        TEST_B: (TEST_B, [320, 240, 320, 240]),
    }
    images = [
        {
            "license": 1,
            "file_name": f"COCO_train2014_{number:012d}.jpg",
            "coco_url": f"http://mscoco.org/images/{number}",
            "height": HEIGHT,
            "width": WIDTH,
            "date_captured": "2013-11-21 23:06:41",
            "flickr_url": "http://farm6.staticflickr.com/5062/5896644212_a326e96ea9_z.jpg",
            "id": number,
        }
        for number in (TRAIN, VAL, TEST_A, TEST_B, NOT_THERE)
    ]
    return {
        "info": {"description": "This is stable 1.0 version of the 2014 MS COCO dataset.", "year": 2014},
        "images": images,
        "licenses": [{"url": "http://creativecommons.org/licenses/by/2.0/", "id": 4, "name": "Attribution License"}],
        "annotations": [annotation(number, image, bbox) for number, (image, bbox) in boxes.items()],
        "categories": [{"supercategory": "person", "id": 1, "name": "person"}],
    }


def write(root: Path) -> None:
    coco = root / "coco"
    for number in (TRAIN, VAL, TEST_A, TEST_B):
        write_picture(coco / "train2017" / f"{number:012d}.jpg")
    write_zip(coco / "refcoco.zip", "refs(unc).p", pickled(references("testA", "testB"), 2))
    write_zip(coco / "refcocog.zip", "refs(umd).p", pickled(references("test"), 2))
    write_json(coco / "refcoco+" / "instances.json", instances())
    (coco / "refcoco+" / "refs(unc).p").write_bytes(pickled(references("testA", "testB"), 0))


def write_zip(path: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/instances.json", json.dumps(instances()))
        archive.writestr(f"{path.stem}/{name}", data)
