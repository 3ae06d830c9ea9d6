"""GRIT as img2dataset downloads it: one shard with its table, and one without."""

from pathlib import Path

import pyarrow
import pyarrow.parquet
from miniatures.files import write_json, write_picture

FIRST, SECOND = "00000", "00001"

SCHEMA = pyarrow.schema(
    {
        "url": pyarrow.string(),
        "key": pyarrow.string(),
        "status": pyarrow.string(),
        "error_message": pyarrow.string(),
        "caption": pyarrow.string(),
        "id": pyarrow.int64(),
        "noun_chunks": pyarrow.list_(pyarrow.list_(pyarrow.float64())),
        "ref_exps": pyarrow.list_(pyarrow.list_(pyarrow.float64())),
        "clip_similarity_vitb32": pyarrow.float64(),
        "clip_similarity_vitl14": pyarrow.float64(),
        "width": pyarrow.int32(),
        "height": pyarrow.int32(),
        "original_width": pyarrow.int32(),
        "original_height": pyarrow.int32(),
        "exif": pyarrow.string(),
        "sha256": pyarrow.string(),
    }
)


def pair(key, caption, *chunks, width=120, height=100, original=(1200, 1000), **changes):
    """A record. Chunks are texts of the caption with a box each: where the text stands is looked up."""
    found = []
    for text, box in chunks:
        start = caption.index(text)
        found.append([float(start), float(start + len(text)), *box, 0.875])
    return {
        "url": f"https://pictures.example/{key}.jpg",
        "key": key,
        "status": "success",
        "error_message": None,
        "caption": caption,
        "id": 4_000_000_000 + int(key),
        "noun_chunks": found,
        "ref_exps": found[:1],
        "clip_similarity_vitb32": 0.25,
        "clip_similarity_vitl14": 0.1875,
        "width": width,
        "height": height,
        "original_width": original[0],
        "original_height": original[1],
        "exif": "{}",
        "sha256": "0" * 64,
        **changes,
    }


NOT_DOWNLOADED = {
    "status": "failed_to_download",
    "error_message": "HTTP Error 404: Not Found",
    **dict.fromkeys(("width", "height", "original_width", "original_height", "exif", "sha256")),
}

PAIRS = {
    FIRST: [
        # Not in the order of the caption.
        pair(
            "000000000", "A dog chases the red ball.", ("the red ball", (0.5, 0.5, 0.75, 1)), ("A dog", (0, 0, 0.5, 1))
        ),
        # White space first, characters beyond the first plane, and two boxes for the same words, which others part.
        pair(
            "000000001",
            " Café 🐕 of some dogs\tand a red ball",
            ("some dogs", (0, 0, 0.25, 0.25)),
            ("a red ball", (0.5, 0, 1, 0.5)),
            ("some dogs", (0.25, 0.25, 0.5, 0.5)),
        ),
        pair("000000002", "A dog that is gone", ("A dog", (0, 0, 1, 1)), **NOT_DOWNLOADED),
        pair("000000003", "A small red ball", ("A small red ball", (0, 0, 1, 1)), original=(640, 99)),
        # Shared with one other pair alone, besides that small one.
        pair("000000004", "The small red ball is here", ("The small red ball", (0, 0, 1, 1))),
    ],
    SECOND: [
        pair("000010000", "the dog", ("the dog", (-0.125, 0.25, 1.0625, 0.75))),
        pair("000010001", "Dog under a small red ball", ("Dog", (0, 0, 1, 1)), ("a small red ball", (0, 0, 0.5, 0.5))),
        pair("000010002", "a lamp, red ball", ("a lamp", (0, 0, 1, 1)), ("red ball", (0.5, 0.5, 1, 1))),
    ],
}


def write(root: Path) -> None:
    images = root / "grit" / "images"
    for shard, pairs in PAIRS.items():
        downloaded = [one for one in pairs if one["status"] == "success"]
        for one in downloaded:
            write_picture(images / shard / f"{one['key']}.jpg", one["width"], one["height"])
            (images / shard / f"{one['key']}.txt").write_text(one["caption"], encoding="utf-8")
            write_json(images / shard / f"{one['key']}.json", one)
        counts = {"count": len(pairs), "successes": len(downloaded), "failed_to_resize": 0}
        write_json(images / f"{shard}_stats.json", {**counts, "failed_to_download": len(pairs) - len(downloaded)})
    write_table(images / f"{FIRST}.parquet", PAIRS[FIRST])


def write_table(path: Path, pairs) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(pairs, SCHEMA), path)
