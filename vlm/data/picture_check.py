"""Whether a picture file can be trained on, and if not, why: the verdict of `vlm.pictures.open_picture`, cheaper.

A JPEG is decoded at an eighth of its size. All of its compressed data is read that way, so that a file which was cut
short is found wherever the cut is; what is saved is most of the work behind that, and it is two to seven times as fast.
Other kinds are opened as in training. Nothing is decoded that is too large by its header, and nothing is opened that is
no file: to open a pipe waits for ever.
"""

import re
import stat
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageOps

from vlm.pictures import FORMATS, LARGEST, PictureError, open_picture

Fault = Literal["missing", "empty", "truncated", "unreadable", "too large", "no picture"]

REASONS: dict[Fault, str] = {
    "missing": "picture missing",
    "empty": "picture file empty",
    "truncated": "picture truncated",
    "unreadable": "picture unreadable",
    "too large": "picture too large",
    "no picture": "file is no picture",
}
"""Why a sample is dropped that has such a picture."""

ENDINGS: dict[str, str] = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".ppm", ".pgm", ".pbm", ".pnm"), "PPM"),
    **{f".{kind.lower()}": kind for kind in ("PNG", "GIF", "WEBP", "BMP")},
}
"""The kind of file that an ending of a name promises."""

BEGINNINGS: dict[bytes, str] = {
    rb"\xff\xd8": "JPEG",
    rb"\x89PNG": "PNG",
    rb"GIF8": "GIF",
    rb"RIFF....WEBP": "WEBP",
    rb"BM....\0\0\0\0": "BMP",
    rb"II\*\0": "TIFF",
    rb"MM\0\*": "TIFF",
}
"""Patterns of first bytes: they tell a picture that is broken from what never was one."""

VARIANTS = {"MPO": "JPEG"}
"""What Pillow calls a JPEG with further pictures behind the first."""

KEPT = 100_000
"""Verdicts that are remembered: about 20 MB."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a picture file. `fault` is None where it can be trained on."""

    fault: Fault | None = None
    kind: str = ""
    """JPEG, PNG and so on, by its content; empty where that says nothing."""
    mistyped: bool = False
    """Of another kind than its name says: it can be read all the same, here, though not everywhere."""
    size: tuple[int, int] | None = None
    """Width and height in pixels, as stored, where a header gives them."""


def check_picture(path: Path) -> Verdict:
    """Reads the whole file. It has a fault exactly where `vlm.pictures.open_picture` refuses it."""
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return Verdict("missing")
    except OSError:
        return Verdict("unreadable")
    if not stat.S_ISREG(about.st_mode):
        return Verdict("no picture")
    if not about.st_size:
        return Verdict("empty")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of broken EXIF data, and of sizes, which are looked at below
        return _check(path)


class PictureChecker:
    """Checks pictures, and remembers those that it saw last: data sets share pictures, and samples do."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._verdicts: OrderedDict[str, Verdict] = OrderedDict()

    def verdict(self, path: Path) -> Verdict:
        """See `check_picture`."""
        key = str(path)
        if key in self._verdicts:
            self._verdicts.move_to_end(key)
        else:
            self._verdicts[key] = check_picture(path)
            if len(self._verdicts) > self._kept:
                self._verdicts.popitem(last=False)
        return self._verdicts[key]


def _check(path: Path) -> Verdict:
    kind, size = "", None
    try:
        with Image.open(path, formats=FORMATS) as file:
            kind, size = VARIANTS.get(str(file.format), str(file.format)), file.size
            if file.width * file.height > LARGEST:
                return Verdict("too large", kind, _is_mistyped(path, kind), size)
            if kind == "JPEG":
                file.draft("RGB", (max(1, file.width // 8), max(1, file.height // 8)))
                ImageOps.exif_transpose(file).convert("RGB")
        if kind != "JPEG":
            open_picture(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Verdict("too large", kind, _is_mistyped(path, kind), size)
    except Exception as error:  # each of Pillow's decoders raises its own
        return _broken(path, error, kind, size)
    return Verdict(None, kind, _is_mistyped(path, kind), size)


def _broken(path: Path, error: Exception, kind: str, size: tuple[int, int] | None) -> Verdict:
    """Tells a file that was cut short from one that is broken otherwise, and from what never was a picture."""
    try:
        with open(path, "rb") as file:
            beginning = file.read(16)
            length = file.seek(0, 2)
            file.seek(max(0, length - 4096))
            end = file.read()
    except OSError:
        return Verdict("unreadable", kind, False, size)
    kind = kind or next((named for first, named in BEGINNINGS.items() if re.match(first, beginning, re.DOTALL)), "")
    if not kind:
        return Verdict("no picture")
    mistyped = _is_mistyped(path, kind)
    said = error.__cause__ if isinstance(error, PictureError) else error
    cut = "truncated" in str(said).lower() or _ends_early(kind, beginning, end, length)
    return Verdict("truncated" if cut else "unreadable", kind, mistyped, size)


def _ends_early(kind: str, beginning: bytes, end: bytes, length: int) -> bool:
    """Whether a file has not the end, or the length, that its kind has."""
    match kind:
        case "JPEG":
            return b"\xff\xd9" not in end
        case "PNG":
            return b"IEND" not in end
        case "GIF":
            return not end.rstrip(b"\0").endswith(b";")
        case "WEBP":
            return length < 8 + int.from_bytes(beginning[4:8], "little")
        case "BMP":
            return length < int.from_bytes(beginning[2:6], "little")
        case _:
            return False


def _is_mistyped(path: Path, kind: str) -> bool:
    promised = ENDINGS.get(path.suffix.lower())
    return bool(kind and promised) and promised != kind
