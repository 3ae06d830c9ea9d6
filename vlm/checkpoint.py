"""A vision-language model on disk: a folder with `config.json`, `model.safetensors` (or shards) and `tokenizer.json`.

    encoder.model.*     the frozen encoder, so that a folder needs nothing beside it
    connector.{0,2}.*   its two layers
    language_model.*    as transformers names them; tied matrices once

Every weight is accounted for when a folder is read: one that is missing, unknown or of another shape is an error, never
a random number.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from huggingface_hub import save_torch_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from backbones.layer_norm import use_layer_norm
from backbones.pairs import ModelError
from backbones.scan import mount
from vlm.architecture import read_architecture
from vlm.vision import build_encoder, load_encoder_weights
from vlm.vocabulary import read_vocabulary

if TYPE_CHECKING:
    from vlm.model import VisionLanguageModel

ENCODER = "encoder.model."
"""In front of the names that the encoder's library has for its weights."""

SHOWN = 3
"""Names of weights that an error lists."""


def save(model: "VisionLanguageModel", folder: Path, state: dict[str, Tensor] | None = None) -> None:
    """Writes a model into a folder.

    Args:
        state: its weights, where they had to be put together from several processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    model.vocabulary.save(folder)
    weights = model.state_dict() if state is None else state
    once = {name for name, _ in model.named_parameters()} | {name for name, _ in model.named_buffers()}
    save_torch_state_dict({name: _alone(tensor) for name, tensor in weights.items() if name in once}, folder)


def load(folder: Path, image_size: int | None = None) -> "VisionLanguageModel":
    """The model in a folder, in float32, on the CPU.

    Args:
        image_size: side of the pictures, where it is not that of training: the encoder's position table is resampled.

    Raises:
        ConfigError, backbones.ModelError: the folder holds no such model, or not all of it.
    """
    from vlm.model import VisionLanguageModel

    architecture = read_architecture(folder)
    weights = _weights_in(folder)
    if image_size is not None:
        vision = dataclasses.replace(architecture.vision, image_size=image_size)
        architecture = dataclasses.replace(architecture, vision=vision)
    mount()
    try:
        config = AutoConfig.for_model(**architecture.language)
        language_model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    except Exception as error:  # transformers and its checks of configs each raise their own
        raise ModelError(f"{folder} describes a language model that cannot be made: copy the model again.") from error
    if architecture.norm == "layer":
        use_layer_norm(language_model)
    encoder = build_encoder(dataclasses.replace(architecture.vision, pretrained=False))
    model = VisionLanguageModel(architecture, language_model, encoder, read_vocabulary(str(folder)))
    if any(not bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise ModelError(f"{folder} has weights that are nan or infinite: train or copy the model again.")
    of_encoder = {name: weights.pop(name) for name in list(weights) if name.startswith(ENCODER)}
    load_encoder_weights(encoder, {name.removeprefix(ENCODER): tensor for name, tensor in of_encoder.items()})
    wanted = {name: p for name, p in model.named_parameters() if not name.startswith("encoder.")}
    account(folder, {name: p.shape for name, p in wanted.items()}, {name: w.shape for name, w in weights.items()})
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(weights[name])
    return model.eval()


def _alone(tensor: Tensor) -> Tensor:
    """A tensor with memory of its own: one that was put together can be a part of more, which safetensors refuses."""
    is_alone = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
    return tensor if is_alone else tensor.clone(memory_format=torch.contiguous_format)


def files_of(folder: Path) -> list[Path]:
    """The files of a checkpoint's weights.

    Raises:
        ModelError: there are none.
    """
    paths = sorted(folder.glob("model*.safetensors"))
    if not paths:
        raise ModelError(f"{folder} has no model.safetensors: name the checkpoint folder of a finished run.")
    return paths


def _weights_in(folder: Path) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    for path in files_of(folder):
        try:
            weights |= load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} is broken ({error}): copy or train the model again.") from error
    return weights


def account(folder: Path, wanted: Mapping[str, tuple[int, ...]], there: Mapping[str, tuple[int, ...]]) -> None:
    """Raises ModelError, which lists the first of them, unless these are the same names and shapes of weights."""
    wrong = {
        "lacks": wanted.keys() - there.keys(),
        "has unknown": there.keys() - wanted.keys(),
        "has of another shape": {name for name in wanted.keys() & there.keys() if wanted[name] != there[name]},
    }
    said = [
        f"{what} {', '.join(sorted(names)[:SHOWN])} ({len(names)} in all)" for what, names in wrong.items() if names
    ]
    if said:
        raise ModelError(
            f"{folder} has other weights than its config.json describes, so copy both again: it {'; it '.join(said)}."
        )
