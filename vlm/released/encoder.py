"""The vision encoder of a released model: its kind from the names of weights, its size from their shapes, and which one
it is from config.json, or from who imports it.

    vision_encoder.vision_model.*    CLIP; its hidden states `select_layer` are the features
    other vision_encoder.*           EVA of timm; its last normalised output
    1 + n * n positions              n x n patches

The public implementation overwrites what config.json says of the encoder whenever it loads a model (reference-facts,
3.5): where it contradicts the weights, it has to be said which one it is.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from backbones.errors import first_line
from training.config import require
from vlm.architecture import CONFIG
from vlm.released.declaration import Declared, whole_number
from vlm.released.names import ENCODER, OF_CLIP, Shapes, axis, count
from vlm.vision import VisionError, VisionSettings, outline_of

CLIP_LAYER = -2
"""Of CLIP's hidden states, where config.json does not say (reference-facts, 1.2)."""

TABLE = {"timm": f"{ENCODER}pos_embed", "clip": f"{OF_CLIP}embeddings.position_embedding.weight"}
PATCHES = {"timm": f"{ENCODER}patch_embed.proj.weight", "clip": f"{OF_CLIP}embeddings.patch_embedding.weight"}
BLOCKS = {"timm": f"{ENCODER}blocks", "clip": f"{OF_CLIP}encoder.layers"}
"""By kind: the table of positions, the weights that read patches, and what the blocks are called."""

CALLED = {"timm": "an EVA: name it as timm/MODEL", "clip": "a CLIP: name it as clip/HUB-NAME-OR-FOLDER"}


def vision_of(
    shapes: Shapes, declared: Declared, folder: Path, *, name: str | None = None, image_size: int | None = None
) -> VisionSettings:
    """The encoder and the size of its pictures.

    Args:
        name: the encoder as `VisionSettings` names it, in place of what config.json says.
        image_size: in place of what config.json says.

    Raises:
        ConfigError: config.json, the weights and what is asked for contradict each other, or something is missing.
    """
    feature = declared.get("select_feature", "patch")
    require(
        feature == "patch",
        f"{folder / CONFIG} has select_feature {feature!r}: only models that take the features of patches are read.",
    )
    kind = "clip" if any(part.startswith(OF_CLIP) for part in shapes) else "timm"
    side = _side(shapes, kind, folder)
    size = side * axis(shapes, PATCHES[kind], -1, folder)
    _require_size(size, declared, folder, image_size)
    called, said_by = _called(kind, declared, folder, name)
    settings = VisionSettings(name=called, image_size=size, pretrained=False)
    try:
        outlined = outline_of(settings)
    except VisionError as error:
        raise VisionError(
            f"{said_by}, which cannot be had for this model ({first_line(error)}): say which one it is with --vision."
        ) from error
    prefix = OF_CLIP if kind == "clip" else ENCODER
    blocks = count((prefix + part for part in outlined.model.state_dict()), BLOCKS[kind])
    expected = _size(outlined.width, blocks, outlined.grid[0])
    found = _size(axis(shapes, PATCHES[kind], 0, folder), count(shapes, BLOCKS[kind]), side)
    require(
        found == expected,
        f"{said_by}, which has {expected}, and the weights have {found}: say which one it is with --vision.",
    )
    return replace(settings, layer=_layer(declared, blocks, folder)) if kind == "clip" else settings


def _layer(declared: Declared, blocks: int, folder: Path) -> int:
    """Which of CLIP's hidden states are the features.

    Raises:
        ConfigError: it has none of that number, which the encoder's name cannot mend.
    """
    said = whole_number(declared, "select_layer", folder)
    layer = CLIP_LAYER if said is None else said
    require(
        1 <= abs(layer) <= blocks,
        f"{folder / CONFIG} asks for layer {layer} of a CLIP that has {blocks} layers: correct select_layer in it, to "
        f"one from 1 to {blocks} or -{blocks} to -1.",
    )
    return layer


def _size(width: int, blocks: int, side: int) -> str:
    return f"width {width:,}, {blocks} blocks and {side} x {side} patches"


def _side(shapes: Shapes, kind: str, folder: Path) -> int:
    """Patches in a row of the picture."""
    positions = axis(shapes, TABLE[kind], -2, folder)
    side = math.isqrt(max(positions - 1, 0))
    require(
        side >= 1 and positions == 1 + side * side,
        f"{folder} has {positions} rows in {TABLE[kind]}, and n x n patches have 1 + n * n: copy the model again.",
    )
    return side


def _require_size(found: int, declared: Declared, folder: Path, asked: int | None) -> None:
    """Raises ConfigError unless pictures are as large as is asked for or, where nothing is, as config.json says."""
    require(
        asked in (None, found),
        f"--image-size is {asked} and the weights of {folder} are for pictures of {found} pixels: leave it out.",
    )
    said = whole_number(declared, "image_size", folder)
    require(
        asked is not None or said in (None, found),
        f"{folder / CONFIG} has image_size {said} and the weights are for {found}: give --image-size {found} if the "
        "weights are right.",
    )


def _called(kind: str, declared: Declared, folder: Path, name: str | None) -> tuple[str, str]:
    """What we call the encoder, and the beginning of a sentence on who says so."""
    if name is not None:
        require(name.startswith(f"{kind}/"), f"--vision is {name!r} and the weights are of {CALLED[kind]}.")
        return name, f"--vision names the encoder {name!r}"
    said: Any = declared.get("vision_encoder_name")
    require(
        isinstance(said, str) and bool(said),
        f"{folder / CONFIG} does not name the vision encoder: say which one it is with --vision.",
    )
    # Names of EVA have it in them, as the public implementation goes by; folders above may be called anything.
    is_eva = "eva" in Path(said).name.lower()
    require(
        is_eva == (kind == "timm"),
        f"{folder / CONFIG} names the encoder {said!r}, and the weights are of {CALLED[kind]} with --vision.",
    )
    source = str(Path(said).resolve()) if kind == "clip" and Path(said).is_dir() else said.removeprefix("timm/")
    return f"{kind}/{source}", f"{folder / CONFIG} names the encoder {said!r}"
