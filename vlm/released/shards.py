"""Weights to disk in the format of safetensors, one tensor at a time: a model may be larger than memory.

    8 bytes    length of the header, little endian
    header     JSON: {name: {"dtype", "shape", "data_offsets": [from, to]}, "__metadata__": {"format": "pt"}}
    data       the tensors one behind the other, wide types first so that each begins at a multiple of its width

Above 5 GB a model is spread over several files with an index, as Hugging Face has it. What a person can read of a
format is at https://huggingface.co/docs/safetensors.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import torch
from tqdm import tqdm

from training.config import require
from vlm.released.files import DTYPES, INDEX, Weight

LARGEST = 5_000_000_000
"""Bytes of weights in one file; a single weight may be larger."""

NAMES = {dtype: name for name, dtype in DTYPES.items()}


def write_weights(folder: Path, weights: Mapping[str, Weight], *, largest: int = LARGEST) -> None:
    """Writes weights into a folder, `model.safetensors` or shards of it with an index.

    Raises:
        ConfigError: a weight is nan or infinite, or its file broke off. What has been written is no model then.
        OSError: the disk is full.
    """
    shards = _spread(weights, largest)
    total = sum(weight.bytes for weight in weights.values())
    files = ["model.safetensors"]
    if len(shards) > 1:
        files = [f"model-{number:05}-of-{len(shards):05}.safetensors" for number in range(1, len(shards) + 1)]
        shard_of = {name: file for file, names in zip(files, shards, strict=True) for name in names}
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(shard_of.items()))}
        (folder / f"model.safetensors{INDEX}").write_text(json.dumps(index, indent=1), encoding="utf-8")
    with tqdm(total=total, unit="B", unit_scale=True, disable=None) as bar:
        for file, names in zip(files, shards, strict=True):
            with open(folder / file, "wb") as out:
                _write(out, {name: weights[name] for name in names}, bar.update)


def _spread(weights: Mapping[str, Weight], largest: int) -> list[list[str]]:
    """Names of the weights in each file: as many as fit, in their order."""
    shards: list[list[str]] = [[]]
    held = 0
    for name, weight in weights.items():
        if shards[-1] and held + weight.bytes > largest:
            shards.append([])
            held = 0
        shards[-1].append(name)
        held += weight.bytes
    return shards


def _write(out: IO[bytes], weights: Mapping[str, Weight], told: Callable[[float], object]) -> None:
    ordered = sorted(weights, key=lambda name: (-weights[name].dtype.itemsize, name))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in ordered:
        weight = weights[name]
        start, end = end, end + weight.bytes
        header[name] = {"dtype": NAMES[weight.dtype], "shape": list(weight.shape), "data_offsets": [start, end]}
    said = json.dumps(header, separators=(",", ":")).encode()
    said += b" " * (-len(said) % 8)  # the data begin at a multiple of the widest type
    out.write(len(said).to_bytes(8, "little") + said)
    for name in ordered:
        out.write(_content(weights[name]))  # which is nowhere else: it is let go before the next one is read
        told(weights[name].bytes)


def _content(weight: Weight) -> memoryview:
    """The bytes of a tensor, row by row."""
    tensor = weight.read()
    is_same = (tuple(tensor.shape), tensor.dtype) == (weight.shape, weight.dtype)
    require(is_same, f"{weight.where} changed while it was read: leave the files alone, and do it again.")
    require(bool(torch.isfinite(tensor).all()), f"{weight.where} is nan or infinite: copy the model again.")
    return tensor.contiguous().flatten().view(torch.uint8).numpy().data
