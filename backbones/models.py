"""Loading a causal language model of either family, and everything that can be wrong with its name.

load("tiny/mamba", vocabulary=18)        made here, weights from a seed
load("1.4b/pythia")                      a pretrained pair, by its hub name
load("state-spaces/mamba-1.4b-hf")       a hub name
load("checkpoints/my-mamba")             a folder that transformers saved
"""

import json
from pathlib import Path
from typing import Any, cast

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
)

from backbones.embeddings import vocabulary_matrices
from backbones.errors import first_line
from backbones.initialise import EMBEDDING_STD, initialise
from backbones.pairs import MODEL_TYPES, ModelError, Shape, shape_of, source_of
from backbones.scan import mount

LONGEST_INPUT = 16_384
"""Positions declared for a GPT-NeoX made here. Rotary positions have no table: nothing is allocated for it."""


def load(name_or_folder: str, *, vocabulary: int | None = None, seed: int = 0) -> PreTrainedModel:
    """A causal language model in float32, on the CPU.

    Args:
        name_or_folder: a pair and family (`tiny/mamba`, `1.4b/pythia`), a hub name or a folder.
        vocabulary: rows of the embedding; for models made here, which have no vocabulary of their own.
        seed: of the weights of a model made here. The global generator is left alone.

    Raises:
        ModelError: there is no such model, or it is broken.
    """
    mount()
    shape = shape_of(name_or_folder)
    if shape is not None:
        if vocabulary is None:
            raise ModelError(f"{name_or_folder} is made here and needs to be told the rows of its vocabulary.")
        return _make(shape, vocabulary, seed)
    check(name_or_folder)
    source = source_of(name_or_folder)
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, output_loading_info=True)
        model, info = loaded
    except Exception as error:  # transformers, safetensors and the hub each raise their own
        raise ModelError(f"{source} does not load as a causal language model: {first_line(error)}.") from error
    # transformers fills what is missing with random numbers and goes on; a controlled comparison must not.
    absent = sorted({*info["missing_keys"], *(str(key) for key in info["mismatched_keys"])})
    if absent:
        raise ModelError(f"{source} lacks {len(absent)} of its weights ({absent[0]}): copy or save the model again.")
    if any(not bool(torch.isfinite(parameter).all()) for parameter in model.parameters()):
        raise ModelError(f"{source} has weights that are nan or infinite: copy or save the model again.")
    return cast(PreTrainedModel, model)


def check(name_or_folder: str) -> PreTrainedConfig | None:
    """What can be said of a model without loading its weights: its config; None for one that is made here.

    Raises:
        ModelError: the folder or hub name gives no model. A folder's weight files are compared with their own headers.
    """
    if shape_of(name_or_folder) is not None:
        return None
    source = source_of(name_or_folder)
    if Path(source).is_dir():
        _check_weights(Path(source))
    elif source.startswith((".", "/", "~")) or source.count("/") != 1:
        raise ModelError(f"{source} is no folder: name a folder that transformers saved, or a model as OWNER/NAME.")
    try:
        return cast(PreTrainedConfig, AutoConfig.from_pretrained(source))
    except Exception as error:
        raise ModelError(f"{source} is not a model that can be reached: {first_line(error)}.") from error


def family_of(config: PreTrainedConfig) -> str:
    """`pythia`, `mamba`, or what transformers calls any other."""
    return MODEL_TYPES.get(config.model_type, config.model_type)


def ledger(model: PreTrainedModel) -> dict[str, Any]:
    """What has to be equal, or known to differ, between the two models of a pair."""
    embedding, output = vocabulary_matrices(model)
    tied = embedding is output
    total = parameters_in(model)
    vocabulary = embedding.numel() + (0 if tied else output.numel())
    return {
        "family": family_of(model.config),
        "parameters": total,
        "parameters_of_vocabulary": vocabulary,
        "parameters_beneath": total - vocabulary,
        "layers": model.config.num_hidden_layers,
        "width": model.config.hidden_size,
        "rows_of_vocabulary": embedding.shape[0],
        "tied": tied,
    }


def parameters_in(module: torch.nn.Module) -> int:
    """Their number; of those that are shared, once."""
    return sum(parameter.numel() for parameter in module.parameters())


def _make(shape: Shape, vocabulary: int, seed: int) -> PreTrainedModel:
    common: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "tie_word_embeddings": True,
        "initializer_range": EMBEDDING_STD,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 1,
    }
    model: GPTNeoXForCausalLM | MambaForCausalLM
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if shape.heads:
            # The whole head rotates: with a quarter of it, as in Pythia, models this small do not find positions.
            config = GPTNeoXConfig(
                **common,
                num_attention_heads=shape.heads,
                intermediate_size=4 * shape.width,
                rope_parameters={"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 1.0},
                max_position_embeddings=LONGEST_INPUT,
            )
            model = GPTNeoXForCausalLM(config)
        else:
            model = MambaForCausalLM(MambaConfig(**common))
        initialise(model)
    return model


def _check_weights(folder: Path) -> None:
    """Raises ModelError unless a folder has a config and weight files that are as long as they say."""
    if not (folder / "config.json").exists():
        raise ModelError(f"{folder} holds no model: it has no config.json.")
    files = sorted(folder.glob("*.safetensors"))
    if not files and not list(folder.glob("pytorch_model*.bin")):
        raise ModelError(f"{folder} has a config.json but no weights: save the model with save_pretrained again.")
    for path in files:
        try:
            size = path.stat().st_size
            with open(path, "rb") as file:
                header_bytes = int.from_bytes(file.read(8), "little")
                header: dict[str, Any] = json.loads(file.read(header_bytes) if header_bytes < size else b"")
            tensors = [entry for key, entry in header.items() if key != "__metadata__"]
            ends = 8 + header_bytes + max((entry["data_offsets"][1] for entry in tensors), default=0)
        except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is not a safetensors file: copy or save the model again.") from error
        if ends != size:
            raise ModelError(f"{path} is broken (its header promises {ends:,} bytes): copy or save the model again.")
