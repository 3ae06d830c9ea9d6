"""The selective scan on a CPU: what one task does, forward here and backward in `scan_gradient_kernels`.

A task is one sequence of the batch and a group of 64 channels (four tiles of 16 lanes). It walks through time in
chunks of 16 steps, and what it touches in a chunk stays in the cache nearest to the core:

    tile      16 steps x 16 channels, flat: step t at 16 t. Inputs and outputs of any strides pass through tiles.
    BCs       16 steps of B, then of C, for each state index; one more, as the index beside the last is read too
    state     state x 16 channels; in a register while its index walks through the 16 steps

Two state indices walk at a time: what both need is read once, and neither waits for the other. Of an odd number the
last walks beside one that does not exist, of which nothing is kept.

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

from backbones.scan.lanes import (
    WIDTH,
    load,
    sigmoid,
    softplus,
    splat,
    spread,
    store,
    times,
)
from backbones.scan.registers import exp2_with, keep_exp2, kept_exp2
from backbones.scan.tiles import STEPS, TILE, Array, announce, read, read_steps, scratch, write

TILES = 4
GROUP = TILES * WIDTH
"""Channels of a task."""

# Where things stand in the memory that a task works in. One array and places known beforehand: the loops need a single
# pointer. (A pointer each would be more than there are registers for, and be fetched again at every step.)
US, DELTAS, DRIVES, YS, SLOPES, D_YS, D_DRIVES, D_DELTAS = (i * TILES * TILE for i in range(8))
BEFORES0, BEFORES1, DECAYS0, DECAYS1, SUMS_B0, SUMS_B1, SUMS_C0, SUMS_C1, WORK, EXP2 = (
    D_DELTAS + (TILES + i) * TILE for i in range(10)
)
SUMS_END = WORK
SCRATCH = EXP2 + 2 * TILE


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
    here = scratch(SCRATCH, u)
    BCs = np.zeros((states + 1) * 2 * STEPS, u.dtype)
    state = np.zeros((TILES * states + 1) * WIDTH, u.dtype)
    keep_exp2(here, EXP2)
    fresh = np.zeros(STEPS, np.uint8)
    for task in range(first, stop):
        b, channel0 = task // groups, task % groups * GROUP
        tiles = (min(GROUP, channels - channel0) + WIDTH - 1) // WIDTH
        state[:] = 0.0
        for t0 in range(0, length, STEPS):
            steps = min(STEPS, length - t0)
            read_steps(B, C, b, t0, steps, BCs)
            if reset.size:
                for t in range(steps):
                    fresh[t] = reset[b, t0 + t]
            for tile in range(tiles):
                channel = channel0 + tile * WIDTH
                read(u, b, channel, t0, steps, here, US)
                read(delta, b, channel, t0, steps, here, DELTAS)
                next_tile = (tile + 1) % tiles
                soon, later = channel0 + next_tile * WIDTH, t0 if next_tile else t0 + STEPS
                for tensor in (u, delta, z, out):
                    announce(tensor, b, soon, later)
                for t in range(steps):
                    step = load(here, DELTAS + t * WIDTH)
                    if bias.size:
                        step = step + load(bias, channel)
                    if soft:
                        step = softplus(step)
                    store(here, DELTAS + t * WIDTH, step)
                    store(here, DRIVES + t * WIDTH, step * load(here, US + t * WIDTH))
                    if D.size:
                        store(here, YS + t * WIDTH, load(here, US + t * WIDTH) * load(D, channel))
                    else:
                        store(here, YS + t * WIDTH, splat(0.0, step))
                for n in range(0, states, 2):
                    place, both = (tile * states + n) * WIDTH, n + 1 < states
                    kept = kept_exp2(here, EXP2)
                    rate0, rate1 = load(rates[n], channel), load(rates[n + both], channel)
                    h0, h1 = load(state, place), load(state, place + WIDTH)
                    if checkpoints.size:
                        store(checkpoints[b, t0 // STEPS, n], channel, h0)
                        if both:
                            store(checkpoints[b, t0 // STEPS, n + 1], channel, h1)
                    for t in range(steps):
                        at, of = t * WIDTH, 2 * n * STEPS + t
                        step, drive, y = load(here, DELTAS + at), load(here, DRIVES + at), load(here, YS + at)
                        if fresh[t]:
                            h0, h1 = splat(0.0, h0), splat(0.0, h1)
                        h0 = times(exp2_with(step * rate0, kept), h0) + drive * spread(BCs, of)
                        h1 = times(exp2_with(step * rate1, kept), h1) + drive * spread(BCs, of + 2 * STEPS)
                        y = y + h0 * spread(BCs, of + STEPS)
                        if both:
                            y = y + h1 * spread(BCs, of + 3 * STEPS)
                        store(here, YS + at, y)
                    store(state, place, h0)
                    if both:
                        store(state, place + WIDTH, h1)
                if z.size:
                    read(z, b, channel, t0, steps, here, US)
                    for t in range(steps):
                        gate = load(here, US + t * WIDTH)
                        store(here, YS + t * WIDTH, load(here, YS + t * WIDTH) * (gate * sigmoid(gate)))
                write(here, YS, out, b, channel, t0, steps)
        if last.size:
            for tile in range(tiles):
                for lane in range(WIDTH):
                    for n in range(states):
                        last[b, channel0 + tile * WIDTH + lane, n] = state[(tile * states + n) * WIDTH + lane]
