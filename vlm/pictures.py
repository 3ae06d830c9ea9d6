"""Picture files: opened as a viewer would show them, and made into the square of pixels that an encoder takes.

A file of any kind becomes red, green and blue at 8 bits, upright, on white where it is transparent; an animation
becomes its first frame. Then 3 x size x size float32: resized without regard to the aspect ratio, scaled to 0..1 and
normalised (reference-facts, 1.3).
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from training.config import ConfigError

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
"""Kinds of file that are read. Pillow knows more, some of which start other programs."""

LARGEST = 80_000_000
"""Pixels of the largest picture that is decoded (240 MB of memory). Pillow itself begins to warn a little above."""

# Pillow only warns of pictures up to twice its limit; they are refused here.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

Resampling = Literal["bilinear", "bicubic"]


class PictureError(ConfigError):
    """A file that cannot be used as a picture. The message is one sentence that names it and says what to do."""


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Mean and standard deviation of red, green and blue that an encoder was trained with, on a scale of 0 to 1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


CLIP = Normalisation(mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711))


def open_picture(path: Path) -> Image.Image:
    """The picture in a file, in mode RGB and rotated as its EXIF says. A file that is cut short is never half read.

    Raises:
        PictureError: there is no such file, it is no picture, it is broken, or it is too large, which its header tells.
    """
    if not path.is_file():
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


def to_pixels(
    image: Image.Image, size: int, normalisation: Normalisation = CLIP, resampling: Resampling = "bilinear"
) -> Tensor:
    """An RGB picture as 3 x size x size float32, on the CPU.

    Args:
        image: in mode RGB, as `open_picture` gives it.
        size: of a side, in pixels.
        normalisation: the encoder's.
        resampling: bilinear as in the paper; timm's own recipe for its encoder is bicubic.
    """
    resized = image.resize((size, size), Image.Resampling[resampling.upper()])
    scaled = torch.from_numpy(np.asarray(resized, dtype=np.float32) / 255)
    return ((scaled - torch.tensor(normalisation.mean)) / torch.tensor(normalisation.std)).permute(2, 0, 1).contiguous()


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
