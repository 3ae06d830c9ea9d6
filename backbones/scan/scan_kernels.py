"""The selective scan on a CPU, forward and backward: what one task does.

A task is one sequence of the batch and a group of 64 channels (four tiles of 16 lanes). It walks through time in
chunks of 16 steps, and what it touches in a chunk stays in the cache nearest to the core:

    tile      16 steps x 16 channels, flat: step t at 16 t. Inputs and outputs of any strides pass through tiles.
    B, C      state x 16 steps of the chunk
    state     state x 16 channels; in a register while one state index walks through the 16 steps

Nothing of size batch x channels x length x state is ever written. The forward pass keeps the state at the start of
each chunk; the backward pass walks the chunks from the last to the first, brings the 16 states of a chunk back from
there, and goes through them in reverse:

    h[t]   = decay[t] h[t-1] + (delta[t] u[t]) B[t]        decay[t] = exp(delta[t] A) = 2^(delta[t] rate)
    y[t]   = sum over the state of h[t] C[t], + D u[t],  times silu(z[t])
    g[t]   = dL/dy[t] C[t] + decay[t+1] g[t+1]             g = dL/dh

The code is the same for full and for cut tiles (the lanes and steps that are missing hold zeros), so a number never
depends on what stands beside it. Sums over channels are added lane by lane over the four tiles and then across lanes,
sums over the batch are left to `fold`: orders that no number of threads changes.
"""

import numpy as np

from backbones.scan.formulas import LN_2
from backbones.scan.lanes import (
    WIDTH,
    exp2,
    load,
    prefetch_at,
    row_sums,
    sigmoid,
    silu_slope,
    softplus,
    softplus_slope,
    splat,
    store,
)
from backbones.scan.tiles import STEPS, TILE, Array, announce, read, read_steps, write

TILES = 4
GROUP = TILES * WIDTH
"""Channels of a task."""


def scan_forward(
    u: Array, delta: Array, B: Array, C: Array, z: Array, rates: Array, D: Array, bias: Array, soft: bool, reset: Array,
    out: Array, checkpoints: Array, last: Array, first: int, stop: int,
) -> None:  # fmt: skip
    """Tasks first .. stop - 1 of the forward pass.

    Args:
        u, delta, z, out: batch x channels x length.
        B, C: batch x state x length.
        rates: state x padded channels, A / ln 2: as the decay is 2^(delta rate).
        D, bias: padded channels. `bias` is added to delta, and `soft` then applies softplus.
        reset: batch x length, nonzero where a document starts.
        checkpoints: batch x chunks x state x padded channels; the state at the start of each chunk is written there.
        last: batch x padded channels x state; the state after the last step is written there.
        z, D, bias, reset, checkpoints and last may have no elements: then they are left out.
    """
    channels, length, states = u.shape[1], u.shape[2], rates.shape[0]
    groups = (channels + GROUP - 1) // GROUP
    us, deltas, drives, ys = np.empty((4, TILE), u.dtype)
    Bs, Cs = np.empty((2, states * STEPS), u.dtype)
    state = np.empty(TILES * states * WIDTH, u.dtype)
    zero = np.zeros(WIDTH, u.dtype)
    fresh = np.zeros(STEPS, np.uint8)
    for task in range(first, stop):
        b, channel0 = task // groups, task % groups * GROUP
        tiles = (min(GROUP, channels - channel0) + WIDTH - 1) // WIDTH
        state[:] = 0.0
        for t0 in range(0, length, STEPS):
            steps = min(STEPS, length - t0)
            read_steps(B, b, t0, steps, Bs)
            read_steps(C, b, t0, steps, Cs)
            if reset.size:
                for t in range(steps):
                    fresh[t] = reset[b, t0 + t]
            for tile in range(tiles):
                channel = channel0 + tile * WIDTH
                read(u, b, channel, t0, steps, us, 0)
                read(delta, b, channel, t0, steps, deltas, 0)
                next_tile = (tile + 1) % tiles
                soon, later = channel0 + next_tile * WIDTH, t0 if next_tile else t0 + STEPS
                for tensor in (u, delta, z, out):
                    announce(tensor, b, soon, later)
                for t in range(steps):
                    step = load(deltas, t * WIDTH)
                    if bias.size:
                        step = step + load(bias, channel)
                    if soft:
                        step = softplus(step)
                    store(deltas, t * WIDTH, step)
                    store(drives, t * WIDTH, step * load(us, t * WIDTH))
                    if D.size:
                        store(ys, t * WIDTH, load(us, t * WIDTH) * load(D, channel))
                    else:
                        store(ys, t * WIDTH, load(zero, 0))
                for n in range(states):
                    place = (tile * states + n) * WIDTH
                    rate = load(rates[n], channel)
                    h = load(state, place)
                    if checkpoints.size:
                        store(checkpoints[b, t0 // STEPS, n], channel, h)
                    for t in range(steps):
                        if fresh[t]:
                            h = load(zero, 0)
                        decay = exp2(load(deltas, t * WIDTH) * rate)
                        h = decay * h + load(drives, t * WIDTH) * splat(Bs[n * STEPS + t], h)
                        store(ys, t * WIDTH, load(ys, t * WIDTH) + h * splat(Cs[n * STEPS + t], h))
                    store(state, place, h)
                if z.size:
                    read(z, b, channel, t0, steps, us, 0)
                    for t in range(steps):
                        gate = load(us, t * WIDTH)
                        store(ys, t * WIDTH, load(ys, t * WIDTH) * (gate * sigmoid(gate)))
                write(ys, 0, out, b, channel, t0, steps)
        if last.size:
            for tile in range(tiles):
                for lane in range(WIDTH):
                    for n in range(states):
                        last[b, channel0 + tile * WIDTH + lane, n] = state[(tile * states + n) * WIDTH + lane]


def scan_backward(
    u: Array, delta: Array, B: Array, C: Array, z: Array, rates: Array, D: Array, bias: Array, soft: bool, reset: Array,
    checkpoints: Array, d_out: Array, d_last: Array, d_u: Array, d_delta: Array, d_z: Array, d_B: Array, d_C: Array,
    d_rates: Array, d_D: Array, d_bias: Array, first: int, stop: int,
) -> None:  # fmt: skip
    """Tasks first .. stop - 1 of the backward pass.

    Args:
        u .. checkpoints: as in the forward pass.
        d_out: batch x channels x length, the gradient of `out`; d_last: batch x padded channels x state, of `last`.
        d_u, d_delta, d_z: batch x channels x length, written.
        d_B, d_C: groups x batch x state x padded length, written: what each group of channels contributes.
        d_rates: batch x state x padded channels, d_D, d_bias: batch x padded channels; written: what each sequence
            contributes.
        A gradient without elements is not wanted; d_last without elements is zero.
    """
    channels, length, states = u.shape[1], u.shape[2], rates.shape[0]
    groups = (channels + GROUP - 1) // GROUP
    us, deltas, drives, slopes, d_ys, ys, d_drives, d_deltas = np.empty((8, TILES * TILE), u.dtype)
    work, befores, decays, sums_B, sums_C = np.empty((5, TILE), u.dtype)
    Bs, Cs = np.empty((2, states * STEPS), u.dtype)
    d_state, sums_rates = np.empty((2, TILES * states * WIDTH), u.dtype)
    sums_D, sums_bias = np.empty((2, GROUP), u.dtype)
    zero = np.zeros(WIDTH, u.dtype)
    fresh = np.zeros(STEPS, np.uint8)
    for task in range(first, stop):
        b, group = task // groups, task % groups
        channel0 = group * GROUP
        tiles = (min(GROUP, channels - channel0) + WIDTH - 1) // WIDTH
        d_state[:] = 0.0
        sums_rates[:] = 0.0
        sums_D[:] = 0.0
        sums_bias[:] = 0.0
        if d_last.size:
            for tile in range(tiles):
                for lane in range(WIDTH):
                    for n in range(states):
                        d_state[(tile * states + n) * WIDTH + lane] = d_last[b, channel0 + tile * WIDTH + lane, n]
        for chunk in range((length - 1) // STEPS, -1, -1):
            t0 = chunk * STEPS
            steps = min(STEPS, length - t0)
            read_steps(B, b, t0, steps, Bs)
            read_steps(C, b, t0, steps, Cs)
            if reset.size:
                for t in range(steps):
                    fresh[t] = reset[b, t0 + t]
            for tile in range(tiles):
                channel, base = channel0 + tile * WIDTH, tile * TILE
                read(u, b, channel, t0, steps, us, base)
                read(delta, b, channel, t0, steps, deltas, base)
                read(d_out, b, channel, t0, steps, d_ys, base)
                if z.size:
                    read(z, b, channel, t0, steps, work, 0)
                for t in range(steps):
                    at = base + t * WIDTH
                    step = load(deltas, at)
                    if bias.size:
                        step = step + load(bias, channel)
                    if soft:
                        store(slopes, at, softplus_slope(step))
                        step = softplus(step)
                    store(deltas, at, step)
                    store(drives, at, step * load(us, at))
                    store(ys, at, load(zero, 0))
                    store(d_drives, at, load(zero, 0))
                    store(d_deltas, at, load(zero, 0))
                    if z.size:
                        gate = load(work, t * WIDTH)
                        store(d_ys, at, load(d_ys, at) * (gate * sigmoid(gate)))
            for tile in range(tiles):
                channel = channel0 + tile * WIDTH
                for tensor in (u, delta, z, d_out):
                    announce(tensor, b, channel, t0 - STEPS)
                for tensor in (d_u, d_delta, d_z):
                    announce(tensor, b, channel, t0)
                for n in range(states):
                    prefetch_at(checkpoints[b], chunk - 1, n, channel)
            for n in range(states):
                sums_B[:] = 0.0
                sums_C[:] = 0.0
                for tile in range(tiles):
                    channel, base, place = channel0 + tile * WIDTH, tile * TILE, (tile * states + n) * WIDTH
                    rate = load(rates[n], channel)
                    h = load(checkpoints[b, chunk, n], channel)
                    for t in range(steps):
                        at = base + t * WIDTH
                        if fresh[t]:
                            h = load(zero, 0)
                        store(befores, t * WIDTH, h)
                        decay = exp2(load(deltas, at) * rate)
                        store(decays, t * WIDTH, decay)
                        h = decay * h + load(drives, at) * splat(Bs[n * STEPS + t], h)
                        store(sums_C, t * WIDTH, load(sums_C, t * WIDTH) + load(d_ys, at) * h)
                        if d_z.size:
                            store(ys, at, load(ys, at) + h * splat(Cs[n * STEPS + t], h))
                    g = load(d_state, place)
                    d_rate = load(sums_rates, place)
                    for t in range(steps - 1, -1, -1):
                        at = base + t * WIDTH
                        g = g + load(d_ys, at) * splat(Cs[n * STEPS + t], g)
                        store(sums_B, t * WIDTH, load(sums_B, t * WIDTH) + g * load(drives, at))
                        store(d_drives, at, load(d_drives, at) + g * splat(Bs[n * STEPS + t], g))
                        g = g * load(decays, t * WIDTH)
                        d_exponent = g * load(befores, t * WIDTH)
                        store(d_deltas, at, load(d_deltas, at) + d_exponent * rate)
                        d_rate = d_rate + d_exponent * load(deltas, at)
                        if fresh[t]:
                            g = load(zero, 0)
                    store(d_state, place, g)
                    store(sums_rates, place, d_rate)
                if d_B.size:
                    store(d_B[group, b, n], t0, row_sums(sums_B, 0))
                if d_C.size:
                    store(d_C[group, b, n], t0, row_sums(sums_C, 0))
            for tile in range(tiles):
                channel, base = channel0 + tile * WIDTH, tile * TILE
                if d_z.size:
                    read(z, b, channel, t0, steps, work, 0)
                    read(d_out, b, channel, t0, steps, befores, 0)
                    for t in range(steps):
                        at = base + t * WIDTH
                        y = load(ys, at)
                        if D.size:
                            y = y + load(us, at) * load(D, channel)
                        store(work, t * WIDTH, load(befores, t * WIDTH) * y * silu_slope(load(work, t * WIDTH)))
                    write(work, 0, d_z, b, channel, t0, steps)
                for t in range(steps):
                    at = base + t * WIDTH
                    d_drive, d_y = load(d_drives, at), load(d_ys, at)
                    # d_deltas holds the sum over d(exponent) rate, and the rate is A / ln 2.
                    step = load(d_deltas, at) * splat(LN_2, d_drive) + d_drive * load(us, at)
                    d_input = d_drive * load(deltas, at)
                    if D.size:
                        d_input = d_input + d_y * load(D, channel)
                        store(sums_D, tile * WIDTH, load(sums_D, tile * WIDTH) + d_y * load(us, at))
                    if soft:
                        step = step * load(slopes, at)
                    store(sums_bias, tile * WIDTH, load(sums_bias, tile * WIDTH) + step)
                    store(d_deltas, at, step)
                    store(d_drives, at, d_input)
                if d_u.size:
                    write(d_drives, base, d_u, b, channel, t0, steps)
                if d_delta.size:
                    write(d_deltas, base, d_delta, b, channel, t0, steps)
        for tile in range(tiles):
            channel = channel0 + tile * WIDTH
            for n in range(states):
                if d_rates.size:
                    store(d_rates[b, n], channel, load(sums_rates, (tile * states + n) * WIDTH))
            if d_D.size:
                store(d_D[b], channel, load(sums_D, tile * WIDTH))
            if d_bias.size:
                store(d_bias[b], channel, load(sums_bias, tile * WIDTH))
