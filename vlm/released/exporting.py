"""From a folder of this package to the layout of the public implementation (reference-facts, 3).

What was imported gets its config.json and its names back, and every number and type is as it was. A model that was
trained here gets what the trainer of the public implementation would have written: a tied output as a copy of the
embedding, and as many rows of Mamba's vocabulary as that has there.
"""

import dataclasses
import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from training.config import require, require_choice
from vlm.architecture import Architecture, read_architecture
from vlm.checkpoint import account
from vlm.model import VisionLanguageModel
from vlm.released.declaration import PUBLIC_ROWS, declare, write_declared
from vlm.released.files import Weight, read_weights
from vlm.released.folder import becoming, require_new, require_space
from vlm.released.importing import VOCABULARY
from vlm.released.names import EMBEDDING, HEAD, is_tied, outline, released_name, shapes_of
from vlm.released.origin import Origin, origin_of
from vlm.released.shards import write_weights
from vlm.runs import find_model
from vlm.sizes import NAMES
from vlm.vocabulary import read_vocabulary

MAMBA = {"state_size": 16, "conv_kernel": 4, "expand": 2}
"""Of every Mamba of the public implementation, as it does not heed `ssm_cfg` (reference-facts, 1.6 and 1.7)."""


class Exported(NamedTuple):
    """What was written."""

    model: VisionLanguageModel
    """Without weights, on torch's meta device."""
    origin: Origin | None
    """None for a model that was trained here."""
    rows_added: int
    """Of zeros, to Mamba's embedding."""


def export_released(path: Path, out: Path) -> Exported:
    """Writes a model of this package into a new folder, as the public implementation would.

    Args:
        path: a checkpoint, a finished run, or a folder of runs with one of them.
        out: must not be there, or be empty.

    Raises:
        ConfigError, backbones.ModelError: the folder holds no such model, or one that the layout has no place for; or
            `out` is taken.
        training.run.StorageError: it cannot be written.
        Nothing is left of what was written by then.
    """
    require_new(out, "the model")
    folder = find_model(path).checkpoint
    architecture = read_architecture(folder)
    _require_place(architecture, folder)
    vocabulary = read_vocabulary(str(folder))
    require(
        vocabulary.tokenizer.get_vocab() == read_vocabulary(VOCABULARY).tokenizer.get_vocab(),
        f"{folder} has a vocabulary of its own, and the public implementation knows {VOCABULARY} alone: export a model "
        "that was trained with it.",
    )
    origin = origin_of(folder)
    model = outline(architecture, vocabulary, folder)
    # As transformers fills it in, whatever was written of it.
    architecture = dataclasses.replace(architecture, language=model.language_model.config.to_dict())
    _require_build(architecture, folder)
    weights = read_weights(folder)
    account(folder, shapes_of(model), {name: weight.shape for name, weight in weights.items()})
    released = {released_name(name, architecture): weight for name, weight in weights.items()}
    rows_added = 0
    if origin is None and architecture.family == "mamba":
        embedding = released[EMBEDDING["mamba"]]
        rows_added = max(0, PUBLIC_ROWS - embedding.shape[0])
        released[EMBEDDING["mamba"]] = _with_rows(embedding, rows_added)
    if is_tied(model) and (origin is None or origin.head == "duplicated"):
        released[HEAD[architecture.family]] = released[EMBEDDING[architecture.family]]
    declared = declare(architecture, _usual_type(released)) if origin is None else origin.config
    require_space(out, sum(weight.bytes for weight in released.values()))
    with becoming(out) as partial:
        write_weights(partial, released)
        write_declared(partial, declared)
    return Exported(model, origin, rows_added)


def _require_place(architecture: Architecture, folder: Path) -> None:
    """Raises ConfigError where the public implementation has no such parts."""
    require_choice(f"the family of {folder}", architecture.family, NAMES)
    vision = architecture.vision
    is_eva = vision.kind == "timm" and "eva" in vision.source.lower()
    require(
        is_eva or vision.kind == "clip",
        f"{folder} has the vision encoder {vision.name}, and the public implementation knows EVA of timm and CLIP "
        "alone: only models with one of these can be exported.",
    )
    require(
        (vision.layer is None) == is_eva,
        f"{folder} takes {'layer ' + str(vision.layer) if is_eva else 'the normalised output'} of {vision.name}, and "
        f"the public implementation {'the normalised output of EVA' if is_eva else 'a layer of CLIP'} alone: it cannot "
        "be exported.",
    )


def _require_build(architecture: Architecture, folder: Path) -> None:
    """Raises ConfigError where the public implementation has such a language model, but built otherwise."""
    language = architecture.language
    if architecture.family == "mamba":
        expected = {**MAMBA, "time_step_rank": math.ceil(language["hidden_size"] / 16)}
        other = [name for name, value in expected.items() if language[name] != value]
        require(
            not other,
            f"{folder} has {', '.join(other)} other than the public implementation's Mamba: it cannot be exported.",
        )
    else:
        kind = language["rope_parameters"]["rope_type"]
        require(
            kind == "default",
            f"{folder} has rotary positions of type {kind}, which GPT-NeoX has not: it cannot be exported.",
        )


def _with_rows(weight: Weight, added: int) -> Weight:
    """A matrix with rows of zeros behind it: no token has their ids."""

    def read() -> Tensor:
        return F.pad(weight.read(), (0, 0, 0, added))

    rows, width = weight.shape
    return dataclasses.replace(weight, shape=(rows + added, width), read=read)


def _usual_type(weights: dict[str, Weight]) -> str:
    """What torch calls the type of most numbers."""
    numbers: Counter[torch.dtype] = Counter()
    for weight in weights.values():
        numbers[weight.dtype] += weight.numbers
    return str(numbers.most_common(1)[0][0]).removeprefix("torch.")
