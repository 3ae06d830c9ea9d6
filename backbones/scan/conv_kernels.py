"""The depthwise causal convolution and the SiLU behind it on a CPU, forward and backward: what one task does.

A task is one sequence of the batch and one tile of 16 channels, and goes through time in chunks of 16 steps as the scan
does. With K taps a chunk needs the K - 1 inputs before it, and its gradient the K - 1 steps after it, so its buffers
have K - 1 rows more than a tile, at that end:

    a[t]   = bias + sum over back of weight[K - 1 - back] x[t - back]      y[t] = silu(a[t])
    d_x[s] = sum over back of weight[K - 1 - back] d_a[s + back]           back = 0 .. K - 1

`reach[t]` is how far step t looks back: K - 1, less near the start of its document, and -1 where there is no step.
Every sum runs over `back` in the same order wherever a chunk begins, so no number depends on that.
"""

import numpy as np

from backbones.scan.compiled import inlined
from backbones.scan.lanes import WIDTH, load, sigmoid, silu_slope, splat, store
from backbones.scan.tiles import STEPS, TILE, Array, announce, find_reach, read, write


@inlined
def _activate(xs: Array, reach: Array, weight: Array, bias: Array, channel: int, steps: int, result: Array) -> None:
    """a[t] for the steps of a chunk, from inputs whose first K - 1 rows are the steps before it."""
    taps = weight.shape[0]
    for t in range(steps):
        store(result, t * WIDTH, load(bias, channel) if bias.size else splat(0.0, load(xs, 0)))
    for back in range(taps):
        tap = load(weight[taps - 1 - back], channel)
        for t in range(steps):
            if back <= reach[t]:
                product = load(xs, (t + taps - 1 - back) * WIDTH) * tap
                store(result, t * WIDTH, load(result, t * WIDTH) + product)


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
    xs = np.empty((taps - 1 + STEPS) * WIDTH, x.dtype)
    ys = np.empty(TILE, x.dtype)
    reach = np.empty(STEPS, np.int64)
    for task in range(first, stop):
        b, channel = task // tiles, task % tiles * WIDTH
        for t0 in range(0, length, STEPS):
            steps = min(STEPS, length - t0)
            find_reach(reset, b, t0, steps, taps, reach)
            announce(x, b, channel, t0 + 2 * STEPS)
            announce(out, b, channel, t0 + 2 * STEPS)
            read(x, b, channel, t0, steps, xs, (taps - 1) * WIDTH)
            _activate(xs, reach, weight, bias, channel, steps, ys)
            if silu:
                for t in range(steps):
                    a = load(ys, t * WIDTH)
                    store(ys, t * WIDTH, a * sigmoid(a))
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
    d_as = np.empty((STEPS + taps - 1) * WIDTH, x.dtype)
    work = np.empty(TILE, x.dtype)
    sums = np.empty((taps + 1) * WIDTH, x.dtype)
    reach = np.empty(STEPS + taps - 1, np.int64)
    for task in range(first, stop):
        b, channel = task // tiles, task % tiles * WIDTH
        sums[:] = 0.0
        reach[:] = -1
        for chunk in range((length - 1) // STEPS, -1, -1):
            t0 = chunk * STEPS
            steps = min(STEPS, length - t0)
            # The first K - 1 steps of the chunk after this one are the rows behind it.
            for row in range(taps - 2, -1, -1):
                store(d_as, (row + STEPS) * WIDTH, load(d_as, row * WIDTH))
                reach[row + STEPS] = reach[row]
            find_reach(reset, b, t0, steps, taps, reach)
            before = min(t0, taps - 1)
            announce(x, b, channel, t0 - 2 * STEPS)
            announce(d_out, b, channel, t0 - 2 * STEPS)
            announce(d_x, b, channel, t0 - STEPS)
            read(x, b, channel, t0 - before, steps + before, xs, (taps - 1 - before) * WIDTH)
            read(d_out, b, channel, t0, steps, d_as, 0)
            if silu:
                _activate(xs, reach, weight, bias, channel, steps, work)
                for t in range(steps):
                    store(d_as, t * WIDTH, load(d_as, t * WIDTH) * silu_slope(load(work, t * WIDTH)))
            for t in range(steps):
                store(sums, taps * WIDTH, load(sums, taps * WIDTH) + load(d_as, t * WIDTH))
            if d_weight.size:
                for back in range(taps):
                    place = (taps - 1 - back) * WIDTH
                    total = load(sums, place)
                    for t in range(steps):
                        if back <= reach[t]:
                            total = total + load(d_as, t * WIDTH) * load(xs, (t + taps - 1 - back) * WIDTH)
                    store(sums, place, total)
            if d_x.size:
                for t in range(steps):
                    store(work, t * WIDTH, splat(0.0, load(sums, 0)))
                for back in range(taps):
                    tap = load(weight[taps - 1 - back], channel)
                    for t in range(steps):
                        if back <= reach[t + back]:
                            store(work, t * WIDTH, load(work, t * WIDTH) + load(d_as, (t + back) * WIDTH) * tap)
                write(work, 0, d_x, b, channel, t0, steps)
        if d_weight.size:
            for tap in range(taps):
                store(d_weight[b, tap], channel, load(sums, tap * WIDTH))
        if d_bias.size:
            store(d_bias[b], channel, load(sums, taps * WIDTH))
