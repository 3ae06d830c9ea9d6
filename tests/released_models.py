"""Writes tiny checkpoints as the public implementation of the paper left them, good ones and spoilt ones.

From `reference-facts.md`, 3.3 (buffers), 3.5 (config.json) and 3.6 (files); keys and shapes are in `released_shapes`,
and what such weights say about an image and a text in `released_forward`. Nothing of this repository is used: what
reads these folders is under test.

    FOLDER/config.json
    FOLDER/model.safetensors | model-0000x-of-0000y.safetensors + model.safetensors.index.json
    FOLDER/pytorch_model.bin | pytorch_model-0000x-of-0000y.bin + pytorch_model.bin.index.json
    FOLDER/trainer_state.json, optimizer.pt, ...        if asked for
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from released_shapes import ENCODER_SIZES, LANGUAGE_SIZES, STATES, Shape, shapes
from safetensors.torch import save_file
from torch import Tensor

TOKEN_TABLES = ("backbone.embedding.weight", "lm_head.weight", "gpt_neox.embed_in.weight", "embed_out.weight")


def draw(
    family: str,
    encoder: str = "eva",
    *,
    head: str | None = None,
    norm: str = "layer",
    dtype: torch.dtype = torch.bfloat16,
    seed: int = 0,
) -> dict[str, Tensor]:
    """Weights of a tiny checkpoint: no norm is 1, no bias is 0, and no part of the model is without a say."""
    generator = torch.Generator().manual_seed(seed)
    weights = {
        key: _drawn(key, shape, generator).to(dtype)
        for key, shape in shapes(family, "tiny", encoder, head=head, norm=norm).items()
    }
    if head == "duplicated":
        weights["lm_head.weight"] = weights["backbone.embedding.weight"].clone()
    return weights


def _drawn(key: str, shape: Shape, generator: torch.Generator) -> Tensor:
    noise = torch.randn(shape, generator=generator)
    if key.endswith(".A_log"):
        return torch.arange(1, STATES + 1).log() + 0.1 * noise
    if key.endswith("dt_proj.bias"):
        steps = torch.exp(math.log(1e-3) + math.log(100) * torch.rand(shape, generator=generator))
        return steps + torch.log(-torch.expm1(-steps))  # softplus of it gives steps of 0.001 to 0.1
    if key.endswith(".D") or (key.endswith("weight") and len(shape) == 1):
        return 1 + 0.2 * noise
    if key in TOKEN_TABLES:
        return 0.04 * noise  # logits stay near 1, and the rounding of float32 in them below 1e-5
    if key.endswith(".bias"):
        return 0.2 * noise
    if key.endswith(("cls_token", "pos_embed", "class_embedding", "position_embedding.weight")):
        return 0.5 * noise
    return noise / math.sqrt(math.prod(shape[1:]))


def buffers(family: str = "pythia", size: str = "tiny") -> dict[str, Tensor]:
    """What older files of GPT-NeoX hold beside its weights (3.3): causal masks, their fill, rotary frequencies."""
    language = LANGUAGE_SIZES[family, size]
    if language.heads is None:
        raise ValueError("Mamba has no buffers.")
    rotary = language.width // language.heads // 4
    held: dict[str, Tensor] = {}
    for layer in range(language.layers):
        attention = f"gpt_neox.layers.{layer}.attention"
        held[f"{attention}.bias"] = torch.ones(1, 1, 2048, 2048, dtype=torch.bool).tril()
        held[f"{attention}.masked_bias"] = torch.tensor(-1e9)
        held[f"{attention}.rotary_emb.inv_freq"] = 10000 ** -(torch.arange(0, rotary, 2) / rotary)
    return held


def config(
    family: str, size: str = "tiny", encoder: str = "eva", *, vision_name: str | None = None
) -> dict[str, object]:
    """config.json of 3.5: for Mamba a generic one, which says `rms_norm` whatever the norm; for Pythia GPT-NeoX's.

    Args:
        family: `mamba` or `pythia`.
        size: as in `shapes`.
        encoder: `eva` or `clip`.
        vision_name: `vision_encoder_name`, in place of the name of the encoder's size.
    """
    language = LANGUAGE_SIZES[family, size]
    vision = ENCODER_SIZES[encoder, "tiny" if size == "tiny" else "large"]
    of_vision: dict[str, object] = {
        "vision_encoder_name": vision_name or vision.name,
        "select_layer": -2,
        "select_feature": "patch",
        "image_size": vision.image,
    }
    if family == "mamba":
        return {
            "d_model": language.width,
            "fused_add_norm": True,
            "hidden_size": language.width,
            "model_type": "",
            "n_layer": language.layers,
            "pad_vocab_size_multiple": 8,
            "residual_in_fp32": True,
            "rms_norm": True,
            "ssm_cfg": {},
            "transformers_version": "4.40.2",
            "vocab_size": language.rows,
            **of_vision,
        }
    return {
        "architectures": ["VLCLIPGPTNeoXForCausalLM"],
        "attention_bias": True,
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "classifier_dropout": 0.1,
        "eos_token_id": 0,
        "hidden_act": "gelu",
        "hidden_dropout": 0.0,
        "hidden_size": language.width,
        "initializer_range": 0.02,
        "intermediate_size": 4 * language.width,
        "layer_norm_eps": 1e-05,
        "max_position_embeddings": 2048,
        "model_type": "gpt_neox",
        "num_attention_heads": language.heads,
        "num_hidden_layers": language.layers,
        "rotary_emb_base": 10000,
        "rotary_pct": 0.25,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.40.2",
        "use_cache": True,
        "use_parallel_residual": True,
        "vocab_size": language.rows,
        **of_vision,
    }


def write_encoder_config(folder: Path) -> Path:
    """config.json of the tiny CLIP vision model, in a folder to name as the encoder. No weights."""
    size = ENCODER_SIZES["clip", "tiny"]
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "architectures": ["CLIPVisionModel"],
        "attention_dropout": 0.0,
        "hidden_act": "quick_gelu",
        "hidden_size": size.width,
        "image_size": size.image,
        "intermediate_size": size.inner,
        "layer_norm_eps": 1e-05,
        "model_type": "clip_vision_model",
        "num_attention_heads": size.heads,
        "num_channels": 3,
        "num_hidden_layers": size.layers,
        "patch_size": size.patch,
        "projection_dim": 32,
    }
    (folder / "config.json").write_text(json.dumps(content, indent=2))
    return folder


@dataclass(frozen=True, kw_only=True)
class Released:
    """A checkpoint that was written: where, of what, and all that it holds (dtypes as on disk)."""

    folder: Path
    family: str
    encoder: str
    weights: dict[str, Tensor]
    config: dict[str, object]


def write(
    folder: Path,
    family: str,
    encoder: str = "eva",
    *,
    shards: int = 1,
    form: str = "safetensors",
    head: str | None = None,
    norm: str = "layer",
    dtype: torch.dtype = torch.bfloat16,
    seed: int = 0,
    with_buffers: bool = False,
    trainer_files: bool = False,
    weights: Mapping[str, Tensor | None] | None = None,
    configured: Mapping[str, object] | None = None,
) -> Released:
    """Writes a tiny checkpoint, good or spoilt.

    A CLIP's config.json lies beside, in the folder `clip-vit-tiny-patch14-56`, which `vision_encoder_name` names.

    Args:
        folder: made where it is not there; what it holds stays, so that two calls leave both forms in one folder.
        family: `mamba` or `pythia`.
        encoder: `eva` or `clip`.
        shards: files the weights are spread over; from 2 on there is an index.
        form: `safetensors` or `bin`.
        head: as in `shapes`; `conflicting` is a head that is not the embedding.
        norm: as in `shapes`.
        dtype: of all weights.
        seed: of all weights.
        with_buffers: the tolerated ones of 3.3 (Pythia alone), in their own dtypes.
        trainer_files: what the trainer leaves beside a checkpoint.
        weights: keys to put in the place of what is drawn, or beside it; None leaves a key out.
        configured: the same for config.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held: dict[str, Tensor | None] = {**draw(family, encoder, head=head, norm=norm, dtype=dtype, seed=seed)}
    held |= buffers(family) if with_buffers else {}
    content = {key: tensor for key, tensor in (held | dict(weights or {})).items() if tensor is not None}
    name = None
    if encoder == "clip":
        name = str(write_encoder_config(folder.parent / ENCODER_SIZES["clip", "tiny"].name))
    described = config(family, "tiny", encoder, vision_name=name) | dict(configured or {})
    described = {key: value for key, value in described.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(described, indent=2, sort_keys=True) + "\n")
    write_weights(folder, content, shards=shards, form=form)
    if trainer_files:
        _write_trainer_files(folder)
    return Released(folder=folder, family=family, encoder=encoder, weights=content, config=described)


def write_weights(
    folder: Path, weights: Mapping[str, Tensor], *, shards: int = 1, form: str = "safetensors"
) -> list[Path]:
    """Writes weights under the names of Hugging Face, with an index from 2 shards on, and gives their files."""
    stem, suffix = {"safetensors": ("model", ".safetensors"), "bin": ("pytorch_model", ".bin")}[form]
    if shards == 1:
        return [_save(folder / f"{stem}{suffix}", weights, form)]
    files: list[Path] = []
    where: dict[str, str] = {}
    for number, keys in enumerate(_split(weights, shards), 1):
        file = folder / f"{stem}-{number:05}-of-{shards:05}{suffix}"
        files.append(_save(file, {key: weights[key] for key in keys}, form))
        where |= dict.fromkeys(keys, file.name)
    total = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
    index = {"metadata": {"total_size": total}, "weight_map": where}
    (folder / f"{stem}{suffix}.index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")
    return files


def _save(file: Path, weights: Mapping[str, Tensor], form: str) -> Path:
    if form == "safetensors":
        save_file({key: tensor.contiguous() for key, tensor in weights.items()}, file, metadata={"format": "pt"})
    else:
        torch.save(dict(weights), file)
    return file


def _split(weights: Mapping[str, Tensor], shards: int) -> list[Sequence[str]]:
    """Neighbouring keys in shards of about the same number of tensors, none of them empty."""
    keys = list(weights)
    cuts = [len(keys) * number // shards for number in range(shards + 1)]
    return [keys[start:end] for start, end in pairwise(cuts)]


def _write_trainer_files(folder: Path) -> None:
    state = {"epoch": 1.0, "global_step": 2, "log_history": [{"loss": 1.5, "step": 2}], "max_steps": 2}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    for name in ("optimizer.pt", "scheduler.pt", "training_args.bin", "rng_state.pth"):
        torch.save({"step": 2, "exp_avg": torch.zeros(3)}, folder / name)
