"""The features of a frozen encoder, kept on disk: each picture is encoded once, and not again in every pass.

For small data alone: a picture of EVA-02 at 336 pixels is 576 x 1,024 numbers, 2.4 MB. One picture is encoded at a
time, so that its features do not depend on what else was in a batch, nor a run on where it was interrupted. A picture
is known by its content: two worlds have pictures of the same names, and one may be drawn anew.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vlm.pictures import decode
from vlm.pixels import to_pixels
from vlm.samples import Samples
from vlm.vision import VisionEncoder, VisionSettings

VERSION = 1
"""Raised when the same encoder gives other features: those that are kept are not asked for again then."""


class FeatureCache:
    """Args:
    folder: where features are kept; those of other encoders have folders of their own in it.
    """

    def __init__(self, folder: Path, encoder: VisionEncoder, settings: VisionSettings) -> None:
        described = json.dumps(
            {"version": VERSION, **asdict(settings), "weights": _fingerprint(encoder)}, sort_keys=True
        )
        self.folder = folder / hashlib.sha256(described.encode()).hexdigest()[:12]
        self.encoder = encoder
        self.size = settings.image_size
        self.normalisation = encoder.normalisation

    def features(self, images: Sequence[str], samples: Samples) -> Tensor:
        """images x patches x encoder width, float32, on the CPU.

        Args:
            images: as these samples name them.

        Raises:
            vlm.pictures.PictureError: one of them cannot be read.
        """
        return torch.stack([self._of(samples.picture_file(image), image) for image in images])

    def _of(self, file: bytes, image: str) -> Tensor:
        content = hashlib.sha256(file).hexdigest()
        path = self.folder / content[:2] / f"{content}.safetensors"
        if path.exists():
            return load_file(path)["features"]
        device = next(self.encoder.parameters(), torch.empty(0)).device
        pixels = to_pixels(decode(file, image), self.size, self.normalisation)
        features: Tensor = self.encoder(pixels[None].to(device))[0].cpu()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        save_file({"features": features.contiguous()}, partial)
        partial.replace(path)  # a file is whole, or not there
        return features


def _fingerprint(encoder: VisionEncoder) -> str:
    """Of the weights: another checkpoint of one architecture has other features."""
    digest = hashlib.sha256()
    for name, parameter in encoder.named_parameters():
        digest.update(name.encode())
        digest.update(parameter.detach().flatten()[:64].float().cpu().numpy().tobytes())
    return digest.hexdigest()
