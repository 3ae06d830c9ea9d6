"""Visual7W as its site gives it out, with a few questions of either kind."""

import json
import zipfile
from pathlib import Path

from miniatures.files import write_json, write_picture

TRAINED, VALIDATED, TESTED = 2358727, 2407890, 2350125
WIDTH, HEIGHT = 100, 80


def pair(image_id, qa_id, question, answer, wrong, kind):
    return {
        "qa_id": qa_id,
        "image_id": image_id,
        "question": question,
        "answer": answer,
        "multiple_choices": wrong,
        "type": kind,
    }


def image(image_id, split, pairs):
    return {"image_id": image_id, "filename": f"v7w_{image_id}.jpg", "split": split, "qa_pairs": pairs}


def telling(image_id, first):
    """Questions of a picture: twelve that can be used, one of them with an option that repeats."""
    pairs = [
        pair(image_id, first, "Where is this scene?", "A café.", ["A park.", "A beach.", "A park."], "where"),
        pair(image_id, first + 1, "When was it taken?", "At noon. ", ["At night.", "at noon.", "At dawn."], "when"),
        pair(image_id, first + 2, "Why is he there?", "", ["To eat.", "To sing.", "To rest."], "why"),
    ]
    for number in range(3, 14):
        wrong = ["One.", "Two.", "Three."]
        pairs.append(pair(image_id, first + number, f"How many, at {number}?", f"{number + 1}.", wrong, "how"))
    return pairs


def pointing(image_id, first, box):
    """Questions of a picture on its boxes: seven that can be used."""
    pairs = [
        pair(image_id, first + n, f"Which one is {n}?", box, [box + 1, box + 2, box + 3], "which") for n in range(7)
    ]
    same = pair(image_id, first + 7, "Which box is hardly another?", box, [box + 1, box + 2, box + 4], "which")
    outside = pair(image_id, first + 8, "Which box is not to be seen?", box, [box + 1, box + 2, box + 5], "which")
    return [*pairs, same, outside]


def boxes(first):
    """Those that `pointing` names: the second passes the border, the fifth is like the first, the last lies outside."""
    corners = [(10, 8, 30, 40), (-5, 60, 40, 30), (50, 40, 25, 20), (0, 0, 100, 80), (10.1, 8, 30, 40), (120, 10, 5, 5)]
    return [
        {"box_id": first + n, "x": x, "y": y, "width": width, "height": height, "name": "thing"}
        for n, (x, y, width, height) in enumerate(corners)
    ]


def write(root: Path) -> None:
    folder = root / "visual7w"
    splits = {TRAINED: "train", VALIDATED: "val", TESTED: "test"}
    told = [
        image(number, split, telling(number, 990_000 + 100 * n)) for n, (number, split) in enumerate(splits.items())
    ]
    pointed = [
        image(number, split, pointing(number, 1_200_000 + 100 * n, 5_000_000 + 10 * n))
        for n, (number, split) in enumerate(splits.items())
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "dataset_v7w_telling.zip", "w") as archive:
        archive.writestr("dataset_v7w_telling.json", json.dumps({"dataset": "v7w_telling", "images": told}))
    all_boxes = [box for n in range(len(splits)) for box in boxes(5_000_000 + 10 * n)]
    write_json(folder / "dataset_v7w_pointing.json", {"dataset": "v7w_pointing", "images": pointed})
    write_json(folder / "v7w_pointing_answers.json", {"boxes": all_boxes})
    for number in splits:
        write_picture(folder / "images" / f"v7w_{number}.jpg", WIDTH, HEIGHT)
