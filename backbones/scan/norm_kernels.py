"""The root mean square norm on a CPU, forward and backward: what one task does. A task is 64 rows.

    scale = 1 / sqrt(mean of x^2 + eps)         y   = x scale weight
    d_x   = scale (weight d_y - x scale^2 mean of (weight d_y x))
    d_weight = sum over rows of d_y x scale

Sums over a row are taken in 16 lanes and then across them, whatever the width; those over rows are left to `fold`.
"""

import math

import numpy as np

from backbones.scan.compiled import inlined
from backbones.scan.lanes import WIDTH, load, load_at, splat, store, store_at
from backbones.scan.tiles import Array

ROWS = 64


@inlined
def _total(lanes: Array, rest: float) -> float:
    for lane in range(WIDTH):
        rest += lanes[lane]
    return rest


@inlined
def _scale(x: Array, row: int, eps: float, lanes: Array) -> float:
    width = x.shape[2]
    whole = width - width % WIDTH
    lanes[:] = 0.0
    squares = load(lanes, 0)
    for i in range(0, whole, WIDTH):
        part = load_at(x, 0, row, i)
        squares = squares + part * part
    store(lanes, 0, squares)
    rest = lanes.dtype.type(0.0)
    for i in range(whole, width):
        rest += x[0, row, i] * x[0, row, i]
    mean: float = _total(lanes, rest) / lanes.dtype.type(width)
    return lanes.dtype.type(1.0) / math.sqrt(mean + eps)  # type: ignore[no-any-return]


def norm_forward(x: Array, weight: Array, eps: float, y: Array, first: int, stop: int) -> None:
    """Tasks first .. stop - 1 of the forward pass. x, y: 1 x rows x width; weight: width."""
    rows, width = x.shape[1:]
    whole = width - width % WIDTH
    lanes = np.empty(WIDTH, x.dtype)
    for row in range(first * ROWS, min(stop * ROWS, rows)):
        scale = _scale(x, row, eps, lanes)
        scales = splat(scale, load(lanes, 0))
        for i in range(0, whole, WIDTH):
            store_at(y, 0, row, i, load_at(x, 0, row, i) * scales * load(weight, i))
        for i in range(whole, width):
            y[0, row, i] = x[0, row, i] * scale * weight[i]


def norm_backward(
    x: Array, weight: Array, eps: float, d_y: Array, d_x: Array, d_weight: Array, first: int, stop: int
) -> None:
    """Tasks first .. stop - 1 of the backward pass.

    Args:
        d_y, d_x: 1 x rows x width; d_x is written.
        d_weight: tasks x width, written: what each task contributes.
    """
    rows, width = x.shape[1:]
    whole = width - width % WIDTH
    lanes = np.empty(WIDTH, x.dtype)
    for task in range(first, stop):
        sums = d_weight[task]
        sums[:] = 0.0
        for row in range(task * ROWS, min((task + 1) * ROWS, rows)):
            scale = _scale(x, row, eps, lanes)
            lanes[:] = 0.0
            product = load(lanes, 0)
            scales = splat(scale, product)
            for i in range(0, whole, WIDTH):
                each = load_at(x, 0, row, i) * load_at(d_y, 0, row, i)
                product = product + each * load(weight, i)
                store(sums, i, load(sums, i) + each * scales)
            store(lanes, 0, product)
            rest = lanes.dtype.type(0.0)
            for i in range(whole, width):
                rest += x[0, row, i] * d_y[0, row, i] * weight[i]
                sums[i] += x[0, row, i] * d_y[0, row, i] * scale
            share = _total(lanes, rest) / lanes.dtype.type(width) * scale * scale
            shares = splat(share, product)
            for i in range(0, whole, WIDTH):
                slope = load_at(d_y, 0, row, i) * load(weight, i) - load_at(x, 0, row, i) * shares
                store_at(d_x, 0, row, i, slope * scales)
            for i in range(whole, width):
                d_x[0, row, i] = scale * (d_y[0, row, i] * weight[i] - x[0, row, i] * share)
