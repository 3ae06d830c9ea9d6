"""Weights on disk as trainers leave them, looked at by their headers and read one tensor at a time.

    model.safetensors              or model-0000x-of-0000y.safetensors and model.safetensors.index.json
    pytorch_model.bin              or its shards and index; read only as far as plain tensors go

The first form that is there counts, as in the public implementation (reference-facts, 3.6). Nothing of a `.bin` is
unpickled but tensors. A tensor is mapped from its file when it is asked for: memory holds one of them at a time.
"""

import functools
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from training.config import ConfigError, require

POINTER = b"version https://git-lfs"
"""How a text file begins that git-lfs leaves in the place of a large one."""

INDEX = ".index.json"

WHOLE = ("model.safetensors", "pytorch_model.bin")
"""What a checkpoint is in, or the index of its shards is called after; the first that is there counts."""

OF_A_TRAINER = ("optimizer.pt", "scheduler.pt", "trainer_state.json", "global_step*", "*optim_states.pt")
"""What the trainer leaves beside the weights, or without them."""


DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""By the names of safetensors. Those that are not floating are of buffers, which older files have."""

FLOATING = frozenset(dtype for dtype in DTYPES.values() if dtype.is_floating_point)
"""Types of weights."""


@dataclass(frozen=True, kw_only=True)
class Weight:
    """A tensor that is somewhere, and can be read."""

    where: str
    """Its name and its file, for those who are told of it."""
    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[], Tensor]

    @property
    def numbers(self) -> int:
        return int(torch.Size(self.shape).numel())

    @property
    def bytes(self) -> int:
        return self.numbers * self.dtype.itemsize


def read_weights(folder: Path) -> dict[str, Weight]:
    """All weights of a checkpoint by name, as its headers tell of them.

    Raises:
        ConfigError: there are none, a file is broken, or an index and its shards contradict each other.
    """
    for name in WHOLE:
        single, index = folder / name, folder / (name + INDEX)
        if single.exists():
            return _of_file(single)
        if index.exists():
            return _of_shards(index)
    loose = sorted(path.name for pattern in ("*.safetensors", "pytorch_model*.bin") for path in folder.glob(pattern))
    require(
        not loose,
        f"{folder} has {', '.join(loose[:2])} and neither one file of weights nor an index of them: copy the "
        f"model's {INDEX[1:]} too.",
    )
    below = sorted({path.parent for name in WHOLE for path in folder.glob(f"*/{name}*")})
    if below:
        names = ", ".join(path.name for path in below[-2:])
        raise ConfigError(f"{folder} has no weights, and {names} below it has some: name {below[-1]}.")
    left = sorted(path.name for pattern in OF_A_TRAINER for path in folder.glob(pattern))
    require(
        not left,
        f"{folder} has what a trainer needs to go on ({', '.join(left[:2])}) and no weights: name the folder with "
        "model.safetensors.",
    )
    raise ConfigError(f"{folder} has no weights: name a folder with model.safetensors or pytorch_model.bin.")


def _of_shards(index: Path) -> dict[str, Weight]:
    folder = index.parent
    shard_of = _weight_map(index)
    shards = sorted(set(shard_of.values()))
    pattern = index.name.removesuffix(INDEX).replace(".", "-*.")
    foreign = sorted({path.name for path in folder.glob(pattern)} - set(shards))
    require(not foreign, f"{index} does not name {', '.join(foreign[:2])} beside it: delete what is not of this model.")
    weights: dict[str, Weight] = {}
    for shard in shards:
        require((folder / shard).exists(), f"{folder} lacks its shard {shard}: copy it, too.")
        held = _of_file(folder / shard)
        twice = sorted(weights.keys() & held.keys())
        require(not twice, f"{folder} has {', '.join(twice[:2])} in two shards: copy the model again.")
        weights |= held
        elsewhere = sorted(name for name in held if shard_of.get(name) != shard)
        require(not elsewhere, f"{index} does not say that {', '.join(elsewhere[:2])} is in {shard}: copy both again.")
    absent = sorted(shard_of.keys() - weights.keys())
    require(
        not absent, f"{index} names {', '.join(absent[:2])} ({len(absent)} in all), which no shard has: copy it again."
    )
    return weights


def _weight_map(index: Path) -> dict[str, str]:
    """Which file each weight is in. Files are beside the index, wherever it says that they are."""
    require_content(index)
    try:
        shard_of = dict(json.loads(index.read_text(encoding="utf-8"))["weight_map"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{index} is no index of weights: copy it again.") from error
    names = list(shard_of.values())
    is_sound = names and all(isinstance(name, str) and Path(name).name == name for name in names)
    require(bool(is_sound), f"{index} does not name files beside it: copy it again.")
    return cast(dict[str, str], shard_of)


def _of_file(path: Path) -> dict[str, Weight]:
    require_content(path)
    return dict(_of_pickle(path) if path.suffix == ".bin" else _of_safetensors(path))


def require_content(path: Path) -> None:
    """Raises ConfigError where a file cannot be read, is empty, or is what git-lfs leaves in the place of one."""
    try:
        with open(path, "rb") as file:
            begins = file.read(len(POINTER))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): copy it again.") from error
    require(bool(begins), f"{path} is empty: copy it again.")
    require(begins != POINTER, f"{path} is a pointer of git-lfs and not the file: fetch it with `git lfs pull`.")


def _of_safetensors(path: Path) -> Iterator[tuple[str, Weight]]:
    try:
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 - it is no dict
                part = file.get_slice(name)
                yield (
                    name,
                    Weight(
                        where=f"{name} in {path}",
                        shape=tuple(part.get_shape()),
                        dtype=_dtype(path, part.get_dtype()),
                        read=functools.partial(_read_safetensors, path, name),
                    ),
                )
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path} is broken ({error}): copy it again.") from error


def _read_safetensors(path: Path, name: str) -> Tensor:
    # Opened for each: what is mapped counts as memory for as long as the file is open.
    try:
        with safe_open(path, "pt") as file:
            return cast(Tensor, file.get_tensor(name))
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path} is broken ({error}): copy it again.") from error


def _dtype(path: Path, name: str) -> torch.dtype:
    require(name in DTYPES, f"{path} has weights of type {name}: only those of {', '.join(DTYPES)} are read.")
    return DTYPES[name]


def _of_pickle(path: Path) -> Iterator[tuple[str, Weight]]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickles that it then reads or refuses
            held: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # a damaged file is told of in many ways, and so is one with more than tensors
        raise ConfigError(
            f"{path} is broken, or holds more than plain tensors, which is not run: copy it again, or save the model "
            "as safetensors."
        ) from error
    is_plain = isinstance(held, dict) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) and tensor.layout == torch.strided
        for name, tensor in held.items()
    )
    require(is_plain, f"{path} holds other things than weights by name: save the model as safetensors.")
    for name, tensor in held.items():
        where, shape = f"{name} in {path}", tuple(tensor.shape)
        yield name, Weight(where=where, shape=shape, dtype=tensor.dtype, read=tensor.detach)
