"""The variants without an encoder: the features of a patch are its pixels (reference-facts, 1.11), and in
`placed-patches` also where it stands, which the features of any trained encoder tell.
"""

import math

import torch
from torch import Tensor, nn

from vlm.vision.encoder import VisionEncoder, VisionError, VisionSettings

PLACE = 16
"""Numbers that say where a patch stands."""


def flatten_patches(pixels: Tensor, patch: int) -> Tensor:
    """Pixels n x channels x height x width -> n x rows*columns x patch*patch*channels, row by row.

    Within a patch the order is row, column, channel.

    Raises:
        VisionError: height or width does not divide into patches.
    """
    count, channels, height, width = pixels.shape
    if height % patch or width % patch:
        raise VisionError(f"{height} x {width} pixels do not divide into patches of {patch}: resize the picture.")
    cut = pixels.reshape(count, channels, height // patch, patch, width // patch, patch)
    return cut.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


def places(grid: tuple[int, int]) -> Tensor:
    """rows*columns x PLACE: sines and cosines of a patch's row and column, of one half to four turns a picture."""
    shares = [(torch.arange(count) + 0.5) / count for count in grid]
    down, across = torch.meshgrid(*shares, indexing="ij")
    turns = math.pi * 2.0 ** torch.arange(PLACE // 4)
    angles = torch.stack([down, across], dim=-1).flatten(0, 1)[:, :, None] * turns
    return torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(1)


class PatchEncoder(VisionEncoder):
    """Raw patches, with or without their places. It has no parameters."""

    def __init__(self, settings: VisionSettings) -> None:
        patch = settings.patch_size or 1
        placed = settings.kind == "placed-patches"
        super().__init__(settings, patch=patch, width=3 * patch**2 + placed * PLACE, blocks=0)
        self.patch = patch
        self.hold(nn.Identity())
        self.places: Tensor | None
        self.register_buffer("places", places(self.grid) if placed else None, persistent=False)

    def features(self, pixels: Tensor) -> Tensor:
        patches = flatten_patches(pixels, self.patch)
        if self.places is None:
            return patches
        return torch.cat([patches, self.places.to(patches).expand(len(patches), -1, -1)], dim=-1)
