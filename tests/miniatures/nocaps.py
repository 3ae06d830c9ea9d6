"""NoCaps as its site gives it out: captions of the validation pictures, and the names of those of the test split."""

from pathlib import Path

from miniatures.files import write_json, write_picture


def image(number, open_images_id, **more):
    return {
        "id": number,
        "open_images_id": open_images_id,
        "height": 48,
        "width": 64,
        "coco_url": f"https://s3.amazonaws.com/nocaps/val/{open_images_id}.jpg",
        "file_name": f"{open_images_id}.jpg",
        "license": 0,
        "date_captured": "2018-11-06 11:04:33",
        **more,
    }


def write(root: Path) -> None:
    nocaps = root / "nocaps"
    info = {"url": "http://nocaps.org", "version": "0.1", "year": 2018, "contributor": "nocaps team"}
    pictures = [
        image(0, "0013ea2087020901", domain="near-domain"),
        image(1, "0016f5be00000a3e", domain="out-domain"),
        image(2, "00aa", domain="in-domain"),  # nobody has said anything of it
    ]
    said = [
        (1, "A red accordion on a café's table"),
        (0, "A baby is standing in front of a house."),
        (0, " A little girl in a white jacket and sandals."),
        (1, ""),
    ]
    write_json(
        nocaps / "nocaps_val_4500_captions.json",
        {
            "licenses": [],
            "info": info,
            "images": pictures,
            "annotations": [{"image_id": number, "id": n, "caption": text} for n, (number, text) in enumerate(said)],
        },
    )
    tested = [image(0, "0005339c44e6071b"), image(1, "000c4d66ce89aa69")]
    write_json(nocaps / "nocaps_test_image_info.json", {"licenses": [], "info": info, "images": tested})
    for place in (
        "images/0013ea2087020901",
        "val/0016f5be00000a3e",
        "test/0005339c44e6071b",
        "images/000c4d66ce89aa69",
    ):
        write_picture(nocaps / f"{place}.jpg")
    write_picture(nocaps / "images" / "00aa.jpg")
