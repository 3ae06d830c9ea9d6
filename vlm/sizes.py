"""What the released models are called, by the shape of their language model (reference-facts, 1.6 and 2.5)."""

from typing import Any

from vlm.presets import LONGEST

NAMES = {"mamba": "Mamba-VL", "pythia": "Pythia-VL"}

SIZES = {
    ("mamba", 1536, 48): "790M",
    ("mamba", 2048, 48): "1.4B",
    ("mamba", 2560, 64): "2.8B",
    ("pythia", 2048, 16): "1B",
    ("pythia", 2048, 24): "1.4B",
    ("pythia", 2560, 32): "2.8B",
}
"""By family, width and layers."""

SMALLEST = {"790m": "1b"}
"""The pair is called by its Pythia."""

USUAL_LENGTH = 1024
"""Most tokens that they were trained on, but for the largest pair."""


def name_of(family: str, language: dict[str, Any]) -> str:
    """`Mamba-VL 1.4B`, or `Mamba-VL of width 64 and 2 layers` where it is none of the six."""
    _, width, layers = key = _key(family, language)
    return f"{NAMES[family]} {SIZES.get(key) or f'of width {width:,} and {layers} layers'}"


def pair_of(family: str, language: dict[str, Any]) -> str:
    """The pair of the paper that a model of this shape is of, such as `1b` for Mamba-VL 790M; empty if of none."""
    size = SIZES.get(_key(family, language), "").lower()
    return SMALLEST.get(size, size)


def usual_length(family: str, language: dict[str, Any]) -> int:
    """Most tokens that a model of this shape was trained on."""
    return LONGEST.get(SIZES.get(_key(family, language), "").lower(), USUAL_LENGTH)


def _key(family: str, language: dict[str, Any]) -> tuple[str, int, int]:
    return family, language.get("hidden_size", 0), language.get("num_hidden_layers", 0)
