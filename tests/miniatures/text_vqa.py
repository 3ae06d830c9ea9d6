"""TextVQA as its site gives it out, with a few questions."""

from pathlib import Path

from miniatures.files import write_json, write_picture

NOKIA, SHOP, SILENT, HIDDEN = "0054c91397f2fe05", "003a8ae2ef43b901", "0a0b8ae2ef43b902", "00685bc495504d61"


def answers(*texts):
    return [*texts, *[texts[0]] * (10 - len(texts))]


def question(number, text, image, split, given=None):
    asked = {
        "question": text,
        "image_id": image,
        "image_classes": ["Belt", "Headphones"],
        "flickr_original_url": f"https://farm6.staticflickr.com/2891/{image}_o.jpg",
        "flickr_300k_url": f"https://c4.staticflickr.com/6/5567/{image}_z.jpg",
        "image_width": 64,
        "image_height": 48,
        "answers": given,
        "question_tokens": text.rstrip("? ").lower().split(),
        "question_id": number,
        "set_name": split,
    }
    return {name: value for name, value in asked.items() if value is not None}


def rosetta(image, *tokens):
    box = {"top_left_x": 0.1, "top_left_y": 0.2, "width": 0.3, "height": 0.1, "rotation": 0, "yaw": 0, "roll": 0}
    return {
        "image_id": image,
        "ocr_tokens": list(tokens),
        "ocr_info": [{"word": token, "bounding_box": box} for token in tokens],
        "image_width": 64,
        "image_height": 48,
    }


TRAIN = [
    question(0, "what is the brand of phone?", NOKIA, "train", answers("nokia")),
    question(1, "what does the small white text spell?", NOKIA, "train", answers("a", "copenhagen", "copenhagen", "a")),
    question(2, "what is written? ", SHOP, "train", answers("café", "cafe")),
    question(3, "is anything written?", SHOP, "train", answers("", "no")),
]
VALIDATION = [
    question(34602, "what is the name of the shop?", SHOP, "val", answers("CAFÉ", "cafe roma", "Café Roma")),
    question(34603, "when does it open?", SHOP, "val", answers("9")),
    question(34604, "what does the sign say?", SILENT, "val", answers("unanswerable")),
]
TEST = [question(39602, "what number is on the boat?", HIDDEN, "test")]


def write(root: Path) -> None:
    folder = root / "textcaps"
    for split, asked, read in (
        ("train", TRAIN, [rosetta(NOKIA, "MIA", "NOKIA"), rosetta(SHOP, "CAFE")]),
        ("val", VALIDATION, [rosetta(SILENT), rosetta(SHOP, "CAFÉ", "ROMA", "9-17")]),
        ("test", TEST, [rosetta(HIDDEN, "57")]),
    ):
        about = {"dataset_type": split, "dataset_name": "textvqa", "dataset_version": "0.5.1"}
        write_json(folder / f"TextVQA_0.5.1_{split}.json", {**about, "data": asked})
        write_json(folder / f"TextVQA_Rosetta_OCR_v0.2_{split}.json", {"dataset_name": "textvqa-ocr", "data": read})
    for image in (NOKIA, SHOP, SILENT):
        write_picture(folder / "train_images" / f"{image}.jpg")
    write_picture(folder / "test_images" / f"{HIDDEN}.jpg")
