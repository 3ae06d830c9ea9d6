"""VSR's random split as its site gives it out: one picture in a folder of its own, the others among COCO's."""

from pathlib import Path

from miniatures.files import write_lines, write_picture

BEAR, UMBRELLA, BENCH = 50403, 401552, 239417


def line(image_id, caption, label, relation, folder="train2017"):
    return {
        "image": f"{image_id:012d}.jpg",
        "image_link": f"http://images.cocodataset.org/{folder}/{image_id:012d}.jpg",
        "caption": caption,
        "label": label,
        "relation": relation,
        "annotator_id": 31,
        "vote_true_validator_id": "[2, 6]",
        "vote_false_validator_id": "[]",
        "reference_frame": None,
    }


def lines():
    return [
        line(BEAR, "The teddy bear is in front of the person.", 1, "in front of"),
        line(UMBRELLA, "The umbrella is far away from the motorcycle.", 0, "far away from"),
        line(BEAR, "The teddy bear is in front of the person.", 1, "in front of"),  # the same sentence again
        line(BENCH, "The bench is at the right side of the train", 0, "at the right side of", "val2017"),
    ]


def write(root: Path) -> None:
    vsr = root / "vsr"
    write_lines(vsr / "train.jsonl", lines())
    write_lines(vsr / "dev.jsonl", lines()[1:2])
    write_lines(vsr / "test.jsonl", lines()[3:])
    write_picture(vsr / "images" / f"{BEAR:012d}.jpg")
    write_picture(root / "coco" / "train2017" / f"{UMBRELLA:012d}.jpg")
    write_picture(root / "coco" / "val2017" / f"{BENCH:012d}.jpg")
