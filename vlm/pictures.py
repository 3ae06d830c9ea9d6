"""Picture files: opened as a viewer would show them.

A file of any kind becomes red, green and blue at 8 bits, upright, on white where it is transparent; an animation
becomes its first frame.
"""

import io
import warnings
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from training.config import ConfigError

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
"""Kinds of file that are read. Pillow knows more, some of which start other programs."""

LARGEST = 80_000_000
"""Pixels of the largest picture that is decoded (240 MB of memory). Pillow itself begins to warn a little above."""

# Pillow only warns of pictures up to twice its limit; they are refused here.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class PictureError(ConfigError):
    """A file that cannot be used as a picture. The message is one sentence that names it and says what to do."""


def open_picture(path: Path) -> Image.Image:
    """The picture in a file, in mode RGB and rotated as its EXIF says. A file that is cut short is never half read.

    Raises:
        PictureError: there is no such file, it is no picture, it is broken, or it is too large, which its header tells.
    """
    try:
        is_file = path.is_file()
    except (OSError, ValueError) as error:  # a name that no file can have
        raise PictureError(f"{path} cannot be read as a picture ({error}): check its path.") from error
    if not is_file:
        raise PictureError(f"{path} is not there or no file: check the path of the picture.")
    return _decoded(path, str(path))


def decode(content: bytes, name: str) -> Image.Image:
    """The same of a file that has been read.

    Args:
        name: of the file, for sentences.

    Raises:
        PictureError: as above.
    """
    return _decoded(io.BytesIO(content), name)


def _decoded(opened: Path | IO[bytes], name: str) -> Image.Image:
    too_large = f"more than {LARGEST:,} pixels are not decoded: scale it down."
    try:
        with Image.open(opened, formats=FORMATS) as file:
            if file.width * file.height > LARGEST:
                raise PictureError(f"{name} has {file.width:,} x {file.height:,} pixels, and {too_large}")
            return _in_rgb(ImageOps.exif_transpose(file))
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(f"{name} is no picture: give a file of one of the kinds {', '.join(FORMATS)}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"{name} is too large, {too_large}") from error
    except Exception as error:  # each of Pillow's decoders raises its own
        raise PictureError(f"{name} cannot be read as a picture ({error}): copy or save it again.") from error


def picture_size(path: Path) -> tuple[int, int] | None:
    """Width and height in pixels, upright, as the header of a file says; None where it has none. Nothing is decoded."""
    try:
        with Image.open(path, formats=FORMATS) as file:
            turned = file.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
            return (file.height, file.width) if turned else (file.width, file.height)
    except Exception:  # each of Pillow's decoders raises its own
        return None


def _in_rgb(image: Image.Image) -> Image.Image:
    """A picture of any mode in RGB."""
    if image.mode.startswith("I"):
        image = _at_8_bits(image)
    if image.mode == "F":
        raise ValueError("it holds fractions, and what is white is not known")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _at_8_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits at 8, white staying white: Pillow's own conversion clips at 255."""
    grey = np.asarray(image).astype(np.int64)
    if grey.min() < 0 or grey.max() > 65_535:
        raise ValueError("its grey goes beyond 16 bits")
    return Image.fromarray(((grey + 128) // 257).astype(np.uint8))
