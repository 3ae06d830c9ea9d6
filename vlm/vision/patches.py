"""The variants without an encoder (reference-facts, 1.11).

    patches           the pixels of each patch as they are
    placed-patches    the pixels of each patch and around it, seen against the ground of the picture, and its place

The features of a trained encoder tell of a patch's surroundings and place too, and are not mostly ground: a connector
that has minutes to learn in does not get so far from bare pixels. Models from scratch have the latter (`vlm.presets`).
"""

import math

import torch
import torch.nn.functional as F
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


def surroundings(pixels: Tensor, patch: int) -> Tensor:
    """n x rows*columns x 3 * (2 * patch)^2: the square of twice a patch's side around it, less the picture's ground.

    The ground is the median of each channel; beyond the border it goes on.
    """
    ground = pixels.flatten(2).median(dim=2).values[:, :, None, None]
    margin = patch // 2
    around = F.pad(pixels - ground, (margin, patch - margin, margin, patch - margin))
    return F.unfold(around, 2 * patch, stride=patch).transpose(1, 2)


class PatchEncoder(VisionEncoder):
    """Raw patches. It has no parameters."""

    def __init__(self, settings: VisionSettings) -> None:
        self.patch = settings.patch_size or 1
        super().__init__(settings, patch=self.patch, width=3 * self.patch**2, blocks=0)
        self.hold(nn.Identity())

    def features(self, pixels: Tensor) -> Tensor:
        return flatten_patches(pixels, self.patch)


class PlacedPatchEncoder(VisionEncoder):
    """Patches with their surroundings and places. It has no parameters."""

    def __init__(self, settings: VisionSettings) -> None:
        self.patch = settings.patch_size or 1
        super().__init__(settings, patch=self.patch, width=3 * (2 * self.patch) ** 2 + PLACE, blocks=0)
        self.hold(nn.Identity())
        self.places: Tensor
        self.register_buffer("places", places(self.grid), persistent=False)

    def features(self, pixels: Tensor) -> Tensor:
        around = surroundings(pixels, self.patch)
        return torch.cat([around, self.places.to(around).expand(len(around), -1, -1)], dim=-1)
