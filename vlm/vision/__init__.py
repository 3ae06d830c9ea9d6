"""Vision encoders: a frozen module from pixels to features of patches (paper, 3.2 and 5.2; reference-facts, 1.2).

patches                                    no encoder: the pixels of each patch as they are
placed-patches                             the same with what is around it, less the ground, and its place
timm/eva02_large_patch14_clip_336          any ViT or EVA of timm, the default and the paper's
clip/openai/clip-vit-large-patch14-336     a CLIP of transformers, by hub name or folder

pixels n x 3 x size x size -> features n x rows*columns x width, row by row, without class and register tokens.
"""

from dataclasses import replace

import torch

from vlm.vision.encoder import VisionEncoder, VisionError, VisionSettings, image_tokens, load_encoder_weights

__all__ = [
    "VisionEncoder",
    "VisionError",
    "VisionSettings",
    "build_encoder",
    "image_tokens",
    "load_encoder_weights",
    "outline_of",
]


def build_encoder(settings: VisionSettings) -> VisionEncoder:
    """The encoder that the settings name, in float32 or bfloat16, on the CPU.

    Raises:
        VisionError: there is no such model, it does not fit the settings, its weights cannot be had or are not whole.
    """
    # timm and transformers take seconds to import, and a run needs one of them at most.
    if settings.kind == "timm":
        from vlm.vision.timm_encoder import TimmEncoder

        return TimmEncoder(settings)
    if settings.kind == "clip":
        from vlm.vision.clip_encoder import ClipEncoder

        return ClipEncoder(settings)
    from vlm.vision.patches import PatchEncoder, PlacedPatchEncoder

    return (PatchEncoder if settings.kind == "patches" else PlacedPatchEncoder)(settings)


def outline_of(settings: VisionSettings) -> VisionEncoder:
    """The encoder without its weights, on torch's meta device: its grid, its width, the shapes of its parameters.

    Raises:
        VisionError: there is no such model, or it does not fit the settings.
    """
    with torch.device("meta"):
        return build_encoder(replace(settings, pretrained=False))
