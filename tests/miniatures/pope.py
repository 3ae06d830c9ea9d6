"""POPE as its site gives it out: JSON lines in files that end in .json."""

from pathlib import Path

from miniatures.files import write_lines, write_picture

BOARD, CAR = 310196, 210789
ABSENT = {"adversarial": "backpack", "popular": "dining table", "random": "toaster"}


def line(number, image_id, text, label):
    return {"question_id": number, "image": f"COCO_val2014_{image_id:012d}.jpg", "text": text, "label": label}


def write(root: Path) -> None:
    coco = root / "coco"
    for way, absent in ABSENT.items():
        lines = [
            line(1, BOARD, "Is there a snowboard in the image?", "yes"),
            line(2, BOARD, f"Is there a {absent} in the image?", "no"),
            line(3, CAR, "Is there a car in the image?", "yes"),
        ]
        write_lines(coco / f"coco_pope_{way}.json", lines)
    write_picture(coco / "val2017" / f"{BOARD:012d}.jpg")
    write_picture(coco / "train2017" / f"{CAR:012d}.jpg")
