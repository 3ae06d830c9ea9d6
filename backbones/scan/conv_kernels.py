"""The depthwise causal convolution and the SiLU behind it on a CPU, forward and backward: what one task does.

A task is one sequence of the batch and one tile of 16 channels, and goes through time in chunks of 16 steps as the scan
does. With K taps, a chunk needs the K - 1 inputs before it (forward) or gives gradients to them (backward), so its
buffers have K - 1 rows more than a tile:

    a[t] = bias + sum over back of weight[K - 1 - back] x[t - back],   back = 0 .. reach[t]
    y[t] = silu(a[t])

`reach[t]` is how far step t may look back: K - 1, less near the start of its document.
"""

from typing import Any

import numpy as np

from backbones.scan.compiled import inlined
from backbones.scan.lanes import WIDTH, load, sigmoid, silu_slope, splat, store
from backbones.scan.tiles import STEPS, Array, find_reach, read, write


@inlined
def _activation(xs: Array, t: int, reach: int, weight: Array, bias: Array, channel: int) -> Any:
    """a[t] for 16 channels, from inputs whose first K - 1 rows are the steps before the chunk."""
    newest = weight.shape[0] - 1
    a = load(xs, (t + newest) * WIDTH) * load(weight[newest], channel)
    for back in range(1, reach + 1):
        a = a + load(xs, (t + newest - back) * WIDTH) * load(weight[newest - back], channel)
    if bias.size:
        a = a + load(bias, channel)
    return a


def convolution_forward(
    x: Array, weight: Array, bias: Array, silu: bool, reset: Array, out: Array, first: int, stop: int
) -> None:
    """Tasks first .. stop - 1 of the forward pass.

    Args:
        x, out: batch x channels x length.
        weight: taps x padded channels; bias: padded channels, or no elements.
        reset: batch x length, nonzero where a document starts, or no elements.
    """
    channels, length, taps = x.shape[1], x.shape[2], weight.shape[0]
    tiles = (channels + WIDTH - 1) // WIDTH
    xs = np.zeros((taps - 1 + STEPS) * WIDTH, x.dtype)
    ys = np.empty(STEPS * WIDTH, x.dtype)
    reach = np.zeros(STEPS, np.int64)
    for task in range(first, stop):
        b, channel = task // tiles, task % tiles * WIDTH
        xs[:] = 0.0
        for t0 in range(0, length, STEPS):
            steps = min(STEPS, length - t0)
            find_reach(reset, b, t0, steps, taps, reach)
            read(x, b, channel, t0, steps, xs, (taps - 1) * WIDTH)
            for t in range(steps):
                a = _activation(xs, t, reach[t], weight, bias, channel)
                if silu:
                    a = a * sigmoid(a)
                store(ys, t * WIDTH, a)
            write(ys, 0, out, b, channel, t0, steps)
            # The last K - 1 inputs are the first of the next chunk.
            for row in range(taps - 1):
                store(xs, row * WIDTH, load(xs, (row + STEPS) * WIDTH))


def convolution_backward(
    x: Array, weight: Array, bias: Array, silu: bool, reset: Array, d_out: Array, d_x: Array, d_weight: Array,
    d_bias: Array, first: int, stop: int,
) -> None:  # fmt: skip
    """Tasks first .. stop - 1 of the backward pass.

    Args:
        d_out: batch x channels x length, the gradient of `out`; d_x, the same, is written.
        d_weight: batch x taps x padded channels, d_bias: batch x padded channels; written: what each sequence
            contributes. A gradient without elements is not wanted.
    """
    channels, length, taps = x.shape[1], x.shape[2], weight.shape[0]
    tiles = (channels + WIDTH - 1) // WIDTH
    xs = np.empty((taps - 1 + STEPS) * WIDTH, x.dtype)
    d_xs = np.empty((taps - 1 + STEPS) * WIDTH, x.dtype)
    d_ys = np.empty(STEPS * WIDTH, x.dtype)
    sums = np.empty((taps + 1) * WIDTH, x.dtype)
    reach = np.zeros(STEPS, np.int64)
    for task in range(first, stop):
        b, channel = task // tiles, task % tiles * WIDTH
        sums[:] = 0.0
        d_xs[:] = 0.0
        for chunk in range((length - 1) // STEPS, -1, -1):
            t0 = chunk * STEPS
            steps = min(STEPS, length - t0)
            before = min(t0, taps - 1)
            find_reach(reset, b, t0, steps, taps, reach)
            read(x, b, channel, t0 - before, steps + before, xs, (taps - 1 - before) * WIDTH)
            read(d_out, b, channel, t0, steps, d_ys, 0)
            for t in range(steps):
                d_a = load(d_ys, t * WIDTH)
                if silu:
                    d_a = d_a * silu_slope(_activation(xs, t, reach[t], weight, bias, channel))
                store(sums, taps * WIDTH, load(sums, taps * WIDTH) + d_a)
                for back in range(reach[t] + 1):
                    row, tap = (t + taps - 1 - back) * WIDTH, taps - 1 - back
                    store(d_xs, row, load(d_xs, row) + d_a * load(weight[tap], channel))
                    store(sums, tap * WIDTH, load(sums, tap * WIDTH) + d_a * load(xs, row))
            if d_x.size:
                write(d_xs, (taps - 1) * WIDTH, d_x, b, channel, t0, steps)
            # What this chunk gave to the K - 1 steps before it is where the chunk before begins.
            for row in range(taps - 2, -1, -1):
                store(d_xs, (row + STEPS) * WIDTH, load(d_xs, row * WIDTH))
            zero = splat(0.0, load(sums, 0))
            for row in range(STEPS):
                store(d_xs, row * WIDTH, zero)
        if d_weight.size:
            for tap in range(taps):
                store(d_weight[b, tap], channel, load(sums, tap * WIDTH))
        if d_bias.size:
            store(d_bias[b], channel, load(sums, taps * WIDTH))
