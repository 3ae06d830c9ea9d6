"""From an open picture to the square of pixels that an encoder takes.

3 x size x size float32: resized without regard to the aspect ratio, scaled to 0..1 and normalised (reference-facts,
1.3).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

Resampling = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Mean and standard deviation of red, green and blue that an encoder was trained with, on a scale of 0 to 1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


CLIP = Normalisation(mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711))


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
