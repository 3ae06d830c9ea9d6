"""What a released model is made of, from the names and shapes of its weights, and from config.json where they are mute.

family    backbone.* is Mamba, gpt_neox.* is Pythia: what folders are called says nothing (reference-facts, 8, B7)
norm      LayerNorm where norms of Mamba have biases: `rms_norm` in config.json is not to be trusted (1.7)
rest      counted; only heads and rotary share of Pythia are in config.json alone
"""

import re
from pathlib import Path
from typing import Any

from transformers import GPTNeoXConfig, MambaConfig

from backbones.errors import first_line
from training.config import ConfigError, require
from vlm.architecture import CONFIG, Norm
from vlm.released.declaration import Declared, require_agreement, whole_number
from vlm.released.names import CONNECTOR, EMBEDDING, ENCODER, Shapes, axis, count
from vlm.released.pythia import gpt_neox
from vlm.vocabulary import Vocabulary

FAMILIES = {"mamba": "backbone.", "pythia": "gpt_neox."}
"""How the names of their weights begin."""

NORM = re.compile(r"(backbone\.(?:layers\.\d+\.norm|norm_f))\.(weight|bias)")


def family_of(shapes: Shapes, folder: Path) -> str:
    """`mamba` or `pythia`.

    Raises:
        ConfigError: these are not the weights of a vision-language model of either.
    """

    def has(part: str) -> bool:
        return any(name.startswith(part) for name in shapes)

    families = [family for family, prefix in FAMILIES.items() if has(prefix)]
    require(
        len(families) == 1,
        f"{folder} has weights of {'both Mamba and Pythia' if families else 'neither Mamba nor Pythia'}: name the "
        "folder of a Mamba-VL or Pythia-VL.",
    )
    require(
        has(ENCODER) or has(CONNECTOR),
        f"{folder} is a language model without a vision part: name the folder of a Mamba-VL or Pythia-VL.",
    )
    require(
        has(ENCODER),
        f"{folder} is the variant that reads pixels without a vision encoder, which has no published results and is "
        "not supported: name a model with EVA-02 or CLIP.",
    )
    return families[0]


def norm_of(shapes: Shapes, folder: Path) -> Norm:
    """Of Mamba, by the biases of its norms; Pythia has no other form.

    Raises:
        ConfigError: some norms have biases and others have none.
    """
    matched = [match for match in map(NORM.fullmatch, shapes) if match]
    biased = {match[1] for match in matched if match[2] == "bias"}
    bare = sorted({match[1] for match in matched} - biased)
    if not biased:
        return "rms"
    require(
        not bare,
        f"{folder} lacks {', '.join(f'{name}.bias' for name in bare[:3])} ({len(bare)} in all), and other norms have "
        "biases: copy the model again.",
    )
    return "layer"


def language_of(
    family: str, shapes: Shapes, declared: Declared, norm: Norm, vocabulary: Vocabulary, folder: Path
) -> dict[str, Any]:
    """The config of the language model, as transformers writes it.

    Raises:
        ConfigError: config.json and the weights contradict each other, or something is missing.
    """
    rows, width = axis(shapes, EMBEDDING[family], 0, folder), axis(shapes, EMBEDDING[family], 1, folder)
    require(
        rows >= vocabulary.rows,
        f"{folder} has {rows:,} rows in its embedding and GPT-NeoX {vocabulary.rows:,} tokens: it is a model of "
        "another vocabulary, which is not supported.",
    )
    layers = count(shapes, f"{FAMILIES[family]}layers")
    build = _mamba if family == "mamba" else _pythia
    kind, settings = build(rows, width, layers, shapes, declared, folder)
    if family == "mamba":
        settings["residual_in_fp32"] = norm == "rms"
    try:
        return dict(kind(**settings).to_dict())
    except Exception as error:  # transformers checks configs with errors of several kinds
        raise ConfigError(
            f"{folder / CONFIG} describes no {kind.model_type} ({_reason(error)}): correct it, or copy it again."
        ) from error


def _reason(error: Exception) -> str:
    """Why a config is refused: transformers says first that it is, and the cause knows the setting."""
    return first_line(error.__cause__ if isinstance(error.__cause__, Exception) else error)


def _mamba(
    rows: int, width: int, layers: int, shapes: Shapes, declared: Declared, folder: Path
) -> tuple[Any, dict[str, Any]]:
    require_agreement(declared, {"d_model": width, "hidden_size": width, "n_layer": layers}, folder)
    said = whole_number(declared, "vocab_size", folder)
    multiple = whole_number(declared, "pad_vocab_size_multiple", folder) or 1
    require(
        said is None or said + -said % multiple == rows,
        f"{folder / CONFIG} has vocab_size {said} and the weights {rows} rows: they are not of one model, copy both "
        "again.",
    )
    return MambaConfig, {
        "vocab_size": rows,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "expand": axis(shapes, "mixer.D", 0, folder) // width,
        "state_size": axis(shapes, "mixer.A_log", 1, folder),
        "conv_kernel": axis(shapes, "mixer.conv1d.weight", 2, folder),
        "time_step_rank": axis(shapes, "mixer.dt_proj.weight", 1, folder),
        "pad_token_id": 0,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }


def _pythia(
    rows: int, width: int, layers: int, shapes: Shapes, declared: Declared, folder: Path
) -> tuple[Any, dict[str, Any]]:
    inner = axis(shapes, "mlp.dense_h_to_4h.weight", 0, folder)
    found = {"vocab_size": rows, "hidden_size": width, "num_hidden_layers": layers, "intermediate_size": inner}
    require_agreement(declared, found, folder)
    return GPTNeoXConfig, gpt_neox(declared, shapes, folder) | found
