"""Tensors as kernels take them: padded to whole vectors, seen through numpy, summed in one order."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from numba import types
from torch import Tensor

from backbones.scan.compiled import compiled, run
from backbones.scan.tiles import Array

NUMBERS = {torch.float32: types.float32, torch.float64: types.float64, torch.uint8: types.uint8}
"""What kernels compute with, and the bytes of `reset`."""
STRETCH = 4096
"""Numbers that a task of `fold` sums."""


def fits(*tensors: Tensor | None) -> bool:
    """Whether kernels can compute with all of these as they are: on the CPU, in one type that they know."""
    there = [tensor for tensor in tensors if tensor is not None]
    return (
        all(tensor.device.type == "cpu" for tensor in there)
        and {tensor.dtype for tensor in there} in ({torch.float32}, {torch.float64})
        and not torch.is_autocast_enabled("cpu")
    )


def array(element: torch.dtype, dimensions: int, *, any_strides: bool = False) -> Any:
    """numba's type of an array that a kernel takes."""
    return types.Array(NUMBERS[element], dimensions, "A" if any_strides else "C")


def view(tensor: Tensor | None, dimensions: int, dtype: torch.dtype) -> Array:
    """The tensor's memory, in this type; an array without elements stands for None."""
    if tensor is None:
        tensor = torch.empty((0,) * dimensions, dtype=dtype)
    return tensor.detach().to(dtype).numpy()


def view_reset(reset: Tensor | None) -> Array:
    """batch x length bytes, or no elements."""
    return view(None if reset is None else reset.view(torch.uint8), 2, torch.uint8)


def empty(wanted: bool, *shape: int, dtype: torch.dtype) -> Tensor:
    """Memory to be written to; without elements unless it is wanted."""
    return torch.empty(shape if wanted else (0,) * len(shape), dtype=dtype)


def empty_beside(x: Tensor, dtype: torch.dtype, wanted: bool = True) -> Tensor:
    """Memory for a tensor as x (batch x channels x length) is, with channels side by side where x has them so."""
    batch, channels, length = x.shape
    if x.stride(1) == 1:
        return empty(wanted, batch, length, channels, dtype=dtype).transpose(1, 2)
    return empty(wanted, batch, channels, length, dtype=dtype)


def padded(x: Tensor, size: int, dim: int) -> Tensor:
    """x, contiguous, with zeros behind it along one axis."""
    if x.shape[dim] == size:
        return x.contiguous()
    wide = x.new_zeros([size if axis == dim else extent for axis, extent in enumerate(x.shape)])
    wide.narrow(dim, 0, x.shape[dim]).copy_(x)
    return wide


def round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def fold(parts: Tensor) -> Tensor:
    """The sum over the first axis, always in the same order."""
    total = parts.new_zeros(parts.shape[1:])
    if parts.numel():
        flat = total.view(-1)
        tasks = round_up(flat.shape[0], STRETCH) // STRETCH
        run(_compiled_fold(parts.dtype), [parts.view(parts.shape[0], -1).numpy(), flat.numpy()], tasks)
    return total


@functools.cache
def _compiled_fold(real: torch.dtype) -> Callable[..., None]:
    return compiled(_fold, [array(real, 2), array(real, 1), types.intp, types.intp])


def _fold(parts: Array, total: Array, first: int, stop: int) -> None:
    """total = the sum of parts over its first axis, for the stretches first .. stop - 1 of its second."""
    for stretch in range(first, stop):
        start = stretch * STRETCH
        end = min(start + STRETCH, parts.shape[1])
        for part in range(parts.shape[0]):
            for i in range(start, end):
                total[i] += parts[part, i]
