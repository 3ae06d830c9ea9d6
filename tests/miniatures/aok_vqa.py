"""A-OKVQA as its site gives it out, with a few questions."""

from pathlib import Path

from miniatures.files import write_json, write_picture

BROKEN = "bCjS888uSeyRMczZageqTp"


def question(split, image_id, question_id, text, choices, right):
    """A record; the test set has no answers and no rationales."""
    asked = {"split": split, "image_id": image_id, "question_id": question_id, "question": text, "choices": choices}
    if split == "test":
        return {**asked, "difficult_direct_answer": False}
    return {
        **asked,
        "correct_choice_idx": right,
        "direct_answers": [choices[right].strip() or "unknown"] * 7 + ["taxi", "bus", "car"],
        "difficult_direct_answer": False,
        "rationales": ["He has luggage.", "It is not delivered.", "The café is far."],
    }


def write(root: Path) -> None:
    coco = root / "coco"
    awaited = ["skateboarder", "train", "delivery", "cab"]
    train = [
        question("train", 299207, "22MexNkBPpdZGX6sxbxVBH", "What is the man by the bags awaiting?", awaited, 3),
        question("train", 299207, BROKEN, "Which letter stands on the sign?", ["n,", "", "a", "e"], 0),
        question("train", 299207, "2BMuFEWpEGfPBfsGz3Pqoq", "What is served?", ["soup", "crêpe", "soup ", "soup"], 1),
        question("train", 299207, "2AH4bMZ4mTRuuRZcFhQAeR", "What colour?", ["red", "blue", "Red", "green"], 0),
        question("train", 299207, "2BNQ4q3UxGKeUCKDgJgJQt", "What is behind him?", ["", "bus", "wall", "tree"], 0),
        question("train", 1, "2C8dQTDFWKGoMQJzaBnZGg", "Whose picture is missing?", ["his", "hers", "ours", "no"], 0),
    ]
    tall = ["giraffe", "dog", "cat", "mouse"]
    write_json(coco / "aokvqa_v1p0_train.json", train)
    write_json(
        coco / "aokvqa_v1p0_val.json",
        [question("val", 461751, "22jbM6gDxdaMaunuzgrsBB", "What is the tallest animal here?", tall, 0)],
    )
    write_json(
        coco / "aokvqa_v1p0_test.json",
        [
            question(
                "test", 1, "223rBJ4wHQ2yJYAcSuqJWs", "What is the ball made of?", ["gum", "tin", "oak", "wool"], None
            )
        ],
    )
    write_picture(coco / "train2017" / "000000299207.jpg")
    write_picture(coco / "val2017" / "000000461751.jpg")
    write_picture(coco / "test2015" / "COCO_test2015_000000000001.jpg")
