"""Tiles: 16 steps x 16 channels of a tensor, flat, step t at 16 t. The currency of the kernels.

Tensors of any strides (batch x channels x length) go in and out through `read` and `write`. Where channels lie side by
side a step is one vector; where steps do, a tile is 16 vectors and a transposition in registers; else, and at the
edges, it is copied number by number. The lanes of channels that do not exist hold zeros.
"""

from typing import Any

import numpy as np

from backbones.scan.compiled import inlined
from backbones.scan.lanes import WIDTH, load, load_at, prefetch_at, store, store_at, transpose

STEPS = 16
"""Steps in a tile, and between two states that the forward pass keeps."""
TILE = STEPS * WIDTH
LINE_BYTES = 64
"""Of a cache line, as long as a vector of float32."""

Array = np.ndarray[Any, np.dtype[Any]]


@inlined
def scratch(size: int, like: Array) -> Array:
    """Memory for `size` numbers in the type of an array. A line of the cache begins where it does: a vector that lies
    across two lines costs two accesses."""
    memory = np.empty(size + LINE_BYTES // like.itemsize, like.dtype)
    return memory[-memory.ctypes.data % LINE_BYTES // like.itemsize :]


@inlined
def read(source: Array, b: int, first: int, t0: int, steps: int, tile: Array, at: int) -> None:
    """Sixteen channels of source, from channel `first` and step t0 on, into tile[at:]."""
    lanes = min(WIDTH, source.shape[1] - first)
    if lanes == WIDTH and source.strides[1] == source.itemsize:
        for t in range(steps):
            store(tile, at + t * WIDTH, load_at(source, b, first, t0 + t))
    elif lanes == WIDTH and steps == STEPS and source.strides[2] == source.itemsize:
        for lane in range(WIDTH):
            store(tile, at + lane * STEPS, load_at(source, b, first + lane, t0))
        transpose(tile, at)
    else:
        for lane in range(WIDTH):
            for t in range(steps):
                tile[at + t * WIDTH + lane] = source[b, first + lane, t0 + t] if lane < lanes else 0.0


@inlined
def announce(source: Array, b: int, first: int, t0: int, start: int = 0, stop: int = STEPS) -> None:
    """Asks the memory for rows of a tile that is read or written soon: they lie too far apart for hardware to guess.

    A core waits for a few dozen rows at a time, and stands still when it asks for more: a kernel that computes long on
    a tile asks for some rows now and for some later. A tensor that is left out has no elements, and a tile beyond the
    ends of one is asked for in vain.
    """
    if source.size == 0:
        return
    by_step = source.strides[1] == source.itemsize
    for i in range(start, stop):
        if by_step:
            prefetch_at(source, b, first, t0 + i)
        else:
            prefetch_at(source, b, first + i, t0)


@inlined
def write(tile: Array, at: int, target: Array, b: int, first: int, t0: int, steps: int) -> None:
    """The reverse of `read`. The tile may be changed."""
    lanes = min(WIDTH, target.shape[1] - first)
    if lanes == WIDTH and target.strides[1] == target.itemsize:
        for t in range(steps):
            store_at(target, b, first, t0 + t, load(tile, at + t * WIDTH))
    elif lanes == WIDTH and steps == STEPS and target.strides[2] == target.itemsize:
        transpose(tile, at)
        for lane in range(WIDTH):
            store_at(target, b, first + lane, t0, load(tile, at + lane * STEPS))
    else:
        for lane in range(lanes):
            for t in range(steps):
                target[b, first + lane, t0 + t] = tile[at + t * WIDTH + lane]


@inlined
def read_steps(B: Array, C: Array, b: int, t0: int, steps: int, chunk: Array) -> None:
    """All states of B and C (batch x state x length) for some steps: those of state n at 2 n STEPS, B before C."""
    for n in range(B.shape[1]):
        for t in range(steps):
            chunk[2 * n * STEPS + t] = B[b, n, t0 + t]
            chunk[(2 * n + 1) * STEPS + t] = C[b, n, t0 + t]


@inlined
def find_reach(reset: Array, b: int, t0: int, steps: int, taps: int, reach: Array) -> None:
    """How many steps each step can look back within its document (`reset`: batch x length), up to taps - 1."""
    for t in range(steps):
        back = 0
        while back < taps - 1 and back < t0 + t and not (reset.size and reset[b, t0 + t - back]):
            back += 1
        reach[t] = back
