"""Captions of COCO in Karpathy's splits, in the zip that they came in, with a few pictures."""

import json
import zipfile
from pathlib import Path

from miniatures.files import write_picture

MOPED, KITCHEN, ZEBRA, CAFE = 391895, 522418, 184613, 318219
ARCHIVE = "caption_datasets.zip"
ANNOTATIONS = "dataset_coco.json"


def image(split, cocoid, imgid, *captions, year="val2014"):
    sentids = [10 * cocoid + n for n in range(len(captions))]
    return {
        "filepath": year,
        "sentids": sentids,
        "filename": f"COCO_{year}_{cocoid:012d}.jpg",
        "imgid": imgid,
        "split": split,
        "sentences": [
            {"tokens": caption.lower().split(), "raw": caption, "imgid": imgid, "sentid": sentid}
            for caption, sentid in zip(captions, sentids, strict=True)
        ],
        "cocoid": cocoid,
    }


def images():
    return [
        image(
            "test",
            MOPED,
            0,
            "A man with a red helmet on a small moped on a dirt road. ",
            "Man riding a motor bike on a dirt road on the countryside.",
            "A man riding on the back of a motorcycle.",
        ),
        image("restval", KITCHEN, 1, "A woman cutting a large white sheet cake", "a woman with a LARGE cake."),
        image("val", ZEBRA, 2, "A zebra.", "Zebras grazing.", ""),  # one of the three is empty
        image("train", CAFE, 3, "A café at night\n", year="train2014"),
        image("train", 2, 4, "Its picture is not there.", year="train2014"),
    ]


def write(root: Path) -> None:
    coco = root / "coco"
    for number in (MOPED, CAFE):
        write_picture(coco / "train2017" / f"{number:012d}.jpg")
    for number in (KITCHEN, ZEBRA):
        write_picture(coco / "val2017" / f"{number:012d}.jpg")
    write_archive(root, images())


def write_archive(root: Path, described) -> None:
    with zipfile.ZipFile(root / "coco" / ARCHIVE, "w") as archive:
        archive.writestr(ANNOTATIONS, json.dumps({"images": described, "dataset": "coco"}))
        archive.writestr("dataset_flickr8k.json", json.dumps({"images": [], "dataset": "flickr8k"}))
