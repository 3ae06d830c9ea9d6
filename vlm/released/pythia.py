"""What of a Pythia-VL only its config.json knows: heads, rotary positions, activation (reference-facts, 1.6 and 3.5).

What turns within a head is said under several names, by the version of transformers that wrote the file:

    share    rotary_pct         partial_rotary_factor, which may also be in rope_parameters
    base     rotary_emb_base    rope_theta, likewise

A wrong one of these fits every weight and answers nonsense: they are checked here, and must not contradict each other.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers.activations import ACT2FN

from training.config import ConfigError, require
from vlm.architecture import CONFIG
from vlm.released.declaration import FROM_GPT_NEOX, Declared
from vlm.released.names import EMBEDDING, Shapes, axis

ROPE = "rope_parameters"
SHARE = ("rotary_pct", "partial_rotary_factor", f"{ROPE}.partial_rotary_factor")
BASE = ("rotary_emb_base", "rope_theta", f"{ROPE}.rope_theta")

USUAL_BASE = 10_000
"""Where config.json does not say."""

IN_ROPE = frozenset({"rope_type", "type", "partial_rotary_factor", "rope_theta"})
"""Settings of plain rotary positions; others are of scaled ones."""


def gpt_neox(declared: Declared, shapes: Shapes, folder: Path) -> dict[str, Any]:
    """The settings of a GPT-NeoX, as transformers takes them.

    Raises:
        ConfigError: what the shapes of weights cannot tell is missing, impossible, or said in two ways.
    """
    path = folder / CONFIG
    heads, width = _heads(declared, shapes, folder)
    rotary = _rotary(declared, width // heads, path)
    activation = declared.get("hidden_act", "gelu")
    require(
        not isinstance(activation, str) or activation in ACT2FN,
        f"{path} describes a language model that cannot be made (transformers has no hidden_act {activation!r}): "
        "correct hidden_act, which is gelu in Pythia.",
    )
    _require_biases(declared, shapes, path)
    return {name: declared[name] for name in FROM_GPT_NEOX if name in declared} | {ROPE: rotary}


def _heads(declared: Declared, shapes: Shapes, folder: Path) -> tuple[int, int]:
    """How many there are, and the width that they share."""
    heads: Any = declared.get("num_attention_heads")
    width = axis(shapes, EMBEDDING["pythia"], 1, folder)
    require(
        heads is not None,
        f"{folder / CONFIG} lacks num_attention_heads, which the weights do not tell: copy that of the model.",
    )
    is_whole = isinstance(heads, int) and not isinstance(heads, bool) and heads >= 1
    require(
        is_whole and width % heads == 0,
        f"{folder / CONFIG} describes no gpt_neox (num_attention_heads is {heads!r}, and no whole number of heads that "
        f"divides the width of {width:,}): correct num_attention_heads.",
    )
    return heads, width


def _rotary(declared: Declared, head: int, path: Path) -> dict[str, float]:
    """Rotary positions, as transformers takes them, of heads of this width."""
    told = declared | {f"{ROPE}.{name}": value for name, value in _plain(declared, path).items()}
    share = _number(told, SHARE, "a share of a head, above 0 and up to 1", lambda value: 0 < value <= 1, path)
    if share is None:
        raise ConfigError(f"{path} lacks {SHARE[0]}, which the weights do not tell: copy that of the model.")
    rotated = int(head * share)
    require(
        rotated >= 2 and rotated % 2 == 0,
        f"{path} has {_name(told, SHARE)} {share}, which turns {rotated} of {head} numbers of a head, and they turn in "
        "pairs: correct it.",
    )
    base = _number(told, BASE, "a positive number", lambda value: 0 < value < math.inf, path)
    return {"rope_theta": USUAL_BASE if base is None else base, "partial_rotary_factor": share}


def _plain(declared: Declared, path: Path) -> dict[str, Any]:
    """What `rope_parameters` say.

    Raises:
        ConfigError: they are not of plain rotary positions.
    """
    require(
        declared.get("rope_scaling") is None,
        f"{path} has rope_scaling, which no released model has: copy the model's own config.json.",
    )
    within = declared.get(ROPE)
    require(within is None or isinstance(within, dict), f"{path} has {ROPE} {within!r}, which say nothing: correct it.")
    within = {name: value for name, value in (within or {}).items() if value is not None}
    kinds = [within[name] for name in ("rope_type", "type") if name in within]
    require(
        all(kind == "default" for kind in kinds),
        f"{path} has {ROPE} of type {', '.join(map(repr, kinds))}, and released models have the default alone: copy "
        "the model's own config.json.",
    )
    scaled = sorted(within.keys() - IN_ROPE)
    require(
        not scaled,
        f"{path} has {', '.join(map(repr, scaled))} in {ROPE}, which no released model has: copy the model's own "
        "config.json.",
    )
    return within


def _name(told: Declared, names: tuple[str, ...]) -> str:
    """The first of these names under which something is said."""
    return next(name for name in names if told.get(name) is not None)


def _number(
    told: Declared, names: tuple[str, ...], kind: str, holds: Callable[[float], bool], path: Path
) -> float | None:
    """A number that goes by several names; None where none of them is there.

    Raises:
        ConfigError: it is not of this kind, or another under each name.
    """
    said = {name: told[name] for name in names if told.get(name) is not None}
    for name, value in said.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        require(is_number and holds(value), f"{path} has {name} {value!r}, which is not {kind}: correct it.")
    require(
        len(set(said.values())) <= 1,
        f"{path} has {' and '.join(f'{name} {value}' for name, value in said.items())}, which are names of one "
        "setting: correct what is wrong.",
    )
    return next(iter(said.values()), None)


def _require_biases(declared: Declared, shapes: Shapes, path: Path) -> None:
    """Raises ConfigError where the layers of attention have biases and config.json says otherwise."""
    said = declared.get("attention_bias", True)
    biased = any(name.endswith("attention.dense.bias") for name in shapes)
    require(
        not isinstance(said, bool) or said == biased,
        f"{path} has attention_bias {str(said).lower()} and the weights have {'' if biased else 'no '}biases of "
        "attention: correct attention_bias if the weights are right.",
    )
