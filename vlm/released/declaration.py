"""config.json of the public implementation: what of it is believed, and how one is written (reference-facts, 3.5).

    Mamba-VL     upstream's d_model, n_layer, ..., without a model_type
    Pythia-VL    GPT-NeoX's
    both         vision_encoder_name, select_layer, select_feature, image_size

What weights say for themselves is taken from them, and must not be contradicted here. Two things are known to be wrong
in it: `rms_norm`, which the public implementation writes and does not heed (1.7), and the encoder, which it overwrites
when it loads a model.
"""

import json
from pathlib import Path
from typing import Any

from training.config import ConfigError, require
from vlm.architecture import CONFIG, MODEL_TYPE, Architecture
from vlm.released.files import require_content

Declared = dict[str, Any]
"""A config.json as it was read."""

PUBLIC_ROWS = 50_280
"""Of Mamba's vocabulary, whatever its config says (reference-facts, 1.6)."""

FROM_GPT_NEOX = (
    "attention_bias",
    "attention_dropout",
    "bos_token_id",
    "eos_token_id",
    "hidden_act",
    "hidden_dropout",
    "hidden_size",
    "initializer_range",
    "intermediate_size",
    "layer_norm_eps",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "tie_word_embeddings",
    "use_parallel_residual",
    "vocab_size",
)
"""Settings of GPT-NeoX that transformers calls the same then and now."""


def read_declared(folder: Path) -> Declared:
    """The config.json of a released model; nothing where there is none.

    Raises:
        ConfigError: there is no such folder or file, or it is of a model or a run of this package.
    """
    require(folder.exists(), f"{folder} is not there: download the model, and name the folder that it is in.")
    require(folder.is_dir(), f"{folder} is a file: name the folder that the model is in.")
    path = folder / CONFIG
    if not path.exists():
        return {}
    require_content(path)
    try:
        declared = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: copy it again.") from error
    if not isinstance(declared, dict):
        raise ConfigError(f"{path} describes no model: copy it again.")
    require(
        declared.get("model_type") != MODEL_TYPE,
        f"{folder} is a model of this package already: evaluate it as it is, or turn it around with `vlm export`.",
    )
    require(
        not {"kind", "ran_with"} <= declared.keys(),
        f"{folder} is a run of this package: its model needs no import, and `vlm export` turns it around.",
    )
    return declared


def whole_number(declared: Declared, name: str, folder: Path) -> int | None:
    """A setting that is a whole number; None where it is not said."""
    value = declared.get(name)
    is_one = value is None or (isinstance(value, int) and not isinstance(value, bool))
    require(is_one, f"{folder / CONFIG} has {name} {value!r}, which is no whole number: correct it.")
    return value


def require_agreement(declared: Declared, found: dict[str, int], folder: Path) -> None:
    """Raises ConfigError where a setting says another number than the weights do."""
    for name, value in found.items():
        said = whole_number(declared, name, folder)
        require(
            said is None or said == value,
            f"{folder / CONFIG} has {name} {said} and the weights {value}: they are not of one model, copy both again.",
        )


def write_declared(folder: Path, declared: Declared) -> None:
    (folder / CONFIG).write_text(json.dumps(declared, indent=2) + "\n", encoding="utf-8")


def declare(architecture: Architecture, dtype: str) -> Declared:
    """The config.json that the public implementation would have written for a model of ours.

    Args:
        dtype: of most of its weights, in torch's words.
    """
    of_language = _of_mamba if architecture.family == "mamba" else _of_pythia
    layer = architecture.vision.layer
    return {
        **of_language(architecture),
        "torch_dtype": dtype,
        "vision_encoder_name": public_encoder(architecture),
        "select_layer": -2 if layer is None else layer,  # of EVA it is not heeded
        "select_feature": "patch",
        "image_size": architecture.vision.image_size,
    }


def public_encoder(architecture: Architecture) -> str:
    """What the public implementation calls an encoder of ours: timm's keep their prefix, CLIP's have none."""
    vision = architecture.vision
    return vision.name if vision.kind == "timm" else vision.source


def _of_mamba(architecture: Architecture) -> Declared:
    language = architecture.language
    return {
        "architectures": ["VLMambaCLIPLMHeadModel"],
        "model_type": "",
        "d_model": language["hidden_size"],
        "hidden_size": language["hidden_size"],
        "n_layer": language["num_hidden_layers"],
        "vocab_size": PUBLIC_ROWS,
        "pad_vocab_size_multiple": 8,
        "ssm_cfg": {},
        "rms_norm": architecture.norm == "rms",
        "residual_in_fp32": language["residual_in_fp32"],
        "fused_add_norm": False,
    }


def _of_pythia(architecture: Architecture) -> Declared:
    language = architecture.language
    rotary = language["rope_parameters"]
    return {
        "architectures": ["VLCLIPGPTNeoXForCausalLM"],
        "model_type": "gpt_neox",
        **{name: language[name] for name in FROM_GPT_NEOX},
        "rotary_pct": rotary["partial_rotary_factor"],
        "rotary_emb_base": rotary["rope_theta"],
    }
