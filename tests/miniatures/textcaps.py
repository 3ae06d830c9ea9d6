"""TextCaps as its site gives it out, with two pictures in each split. The captions of a picture are no neighbours."""

from pathlib import Path

from miniatures.files import write_json, write_picture

SOAP, SIGN = "011e7e629fb9ae7b", "0054c91397f2fe05"
CAPTIONS = {
    SOAP: ["Five Listerine Zero mouthwash bottles on a store shelf", "Many bottles stand together.", " "],
    SIGN: ["A sign says CAFÉ", "the sign of a Café"],
}


def caption(image_id, caption_id, text, references, split):
    """A record of training or validation, with all its fields."""
    return {
        **picture(image_id, split),
        "caption_id": caption_id,
        "caption_str": text,
        "caption_tokens": ["<s>", *text.lower().split(), "</s>"],
        "reference_strs": references,
        "reference_tokens": [["<s>", *reference.lower().split(), "</s>"] for reference in references],
    }


def picture(image_id, split):
    """What the test split says, too."""
    return {
        "image_id": image_id,
        "image_classes": ["Personal care", "Perfume"],
        "flickr_original_url": f"https://farm5.staticflickr.com/{image_id}_o.jpg",
        "flickr_300k_url": f"https://c5.staticflickr.com/{image_id}_z.jpg",
        "image_width": 64,
        "image_height": 48,
        "set_name": split,
        "image_name": image_id,
        "image_path": f"{split}/{image_id}.jpg",
    }


def write(root: Path) -> None:
    folder = root / "textcaps"
    about = {"dataset_type": "train", "dataset_name": "textcaps", "dataset_version": 0.1}
    for split in ("train", "val"):
        data = [
            caption(image_id, 100_000_000 + 10 * n + place, captions[n], captions, split)
            for n in range(3)
            for place, (image_id, captions) in enumerate(CAPTIONS.items())
            if n < len(captions)
        ]
        write_json(folder / f"TextCaps_0.1_{split}.json", {**about, "data": data})
    tested = [{**picture(image_id, "test"), "caption_id": 7 + n} for n, image_id in enumerate(("f0f0", "a1b2"))]
    write_json(folder / "TextCaps_0.1_test.json", {**about, "data": [*tested, tested[0]]})
    for image_id in (SOAP, SIGN):
        write_picture(folder / "train_images" / f"{image_id}.jpg")
    for image_id in ("f0f0", "a1b2"):
        write_picture(folder / "test_images" / f"{image_id}.jpg")
