"""The backward pass of the selective scan on a CPU: what one task does. What a task is, and h and g: `scan_kernels`."""

import numpy as np

from backbones.scan.formulas import LN_2
from backbones.scan.lanes import (
    WIDTH,
    load,
    prefetch_at,
    row_sums,
    sigmoid,
    silu_slope,
    softplus,
    softplus_slope,
    splat,
    spread,
    store,
    times,
)
from backbones.scan.registers import exp2_with, keep_exp2, kept_exp2
from backbones.scan.scan_kernels import (
    BEFORES0,
    BEFORES1,
    D_DELTAS,
    D_DRIVES,
    D_YS,
    DECAYS0,
    DECAYS1,
    DELTAS,
    DRIVES,
    EXP2,
    GROUP,
    SCRATCH,
    SLOPES,
    SUMS_B0,
    SUMS_B1,
    SUMS_C0,
    SUMS_C1,
    SUMS_END,
    TILES,
    US,
    WORK,
    YS,
)
from backbones.scan.tiles import STEPS, TILE, Array, announce, read, read_steps, scratch, write


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
    here = scratch(SCRATCH, u)
    BCs = np.zeros((states + 1) * 2 * STEPS, u.dtype)
    d_state, sums_rates = np.zeros((2, (TILES * states + 1) * WIDTH), u.dtype)
    sums_D, sums_bias = np.empty((2, GROUP), u.dtype)
    keep_exp2(here, EXP2)
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
            read_steps(B, C, b, t0, steps, BCs)
            if reset.size:
                for t in range(steps):
                    fresh[t] = reset[b, t0 + t]
            for tile in range(tiles):
                channel, base = channel0 + tile * WIDTH, tile * TILE
                read(u, b, channel, t0, steps, here, US + base)
                read(delta, b, channel, t0, steps, here, DELTAS + base)
                read(d_out, b, channel, t0, steps, here, D_YS + base)
                if z.size:
                    read(z, b, channel, t0, steps, here, WORK)
                for t in range(steps):
                    at = base + t * WIDTH
                    step = load(here, DELTAS + at)
                    if bias.size:
                        step = step + load(bias, channel)
                    if soft:
                        store(here, SLOPES + at, softplus_slope(step))
                        step = softplus(step)
                    store(here, DELTAS + at, step)
                    store(here, DRIVES + at, step * load(here, US + at))
                    store(here, YS + at, splat(0.0, step))
                    store(here, D_DRIVES + at, splat(0.0, step))
                    store(here, D_DELTAS + at, splat(0.0, step))
                    if z.size:
                        gate = load(here, WORK + t * WIDTH)
                        store(here, D_YS + at, load(here, D_YS + at) * (gate * sigmoid(gate)))
            for n in range(0, states, 2):
                both = n + 1 < states
                here[SUMS_B0:SUMS_END] = 0.0
                for tile in range(tiles):
                    channel, base, place = channel0 + tile * WIDTH, tile * TILE, (tile * states + n) * WIDTH
                    start, end = n * STEPS // states, min((n + 2) * STEPS // states, STEPS)
                    for tensor in (u, delta, z, d_out):
                        announce(tensor, b, channel, t0 - STEPS, start, end)
                    for tensor in (d_u, d_delta, d_z):
                        announce(tensor, b, channel, t0, start, end)
                    prefetch_at(checkpoints[b], chunk - 1, n, channel)
                    prefetch_at(checkpoints[b], chunk - 1, n + both, channel)
                    kept = kept_exp2(here, EXP2)
                    rate0, rate1 = load(rates[n], channel), load(rates[n + both], channel)
                    h0, h1 = load(checkpoints[b, chunk, n], channel), load(checkpoints[b, chunk, n + both], channel)
                    for t in range(steps):
                        row, of = t * WIDTH, 2 * n * STEPS + t
                        at = base + row
                        step, drive, d_y = load(here, DELTAS + at), load(here, DRIVES + at), load(here, D_YS + at)
                        sum0, sum1 = load(here, SUMS_C0 + row), load(here, SUMS_C1 + row)
                        if fresh[t]:
                            h0, h1 = splat(0.0, h0), splat(0.0, h1)
                        decay0, decay1 = exp2_with(step * rate0, kept), exp2_with(step * rate1, kept)
                        store(here, BEFORES0 + row, h0)
                        store(here, BEFORES1 + row, h1)
                        store(here, DECAYS0 + row, decay0)
                        store(here, DECAYS1 + row, decay1)
                        h0 = times(decay0, h0) + drive * spread(BCs, of)
                        h1 = times(decay1, h1) + drive * spread(BCs, of + 2 * STEPS)
                        store(here, SUMS_C0 + row, sum0 + d_y * h0)
                        store(here, SUMS_C1 + row, sum1 + d_y * h1)
                        if d_z.size:
                            y = load(here, YS + at) + h0 * spread(BCs, of + STEPS)
                            if both:
                                y = y + h1 * spread(BCs, of + 3 * STEPS)
                            store(here, YS + at, y)
                    g0, g1 = load(d_state, place), load(d_state, place + WIDTH)
                    d_rate0, d_rate1 = load(sums_rates, place), load(sums_rates, place + WIDTH)
                    for t in range(steps - 1, -1, -1):
                        row, of = t * WIDTH, 2 * n * STEPS + t
                        at = base + row
                        step, drive, d_y = load(here, DELTAS + at), load(here, DRIVES + at), load(here, D_YS + at)
                        d_drive, d_step = load(here, D_DRIVES + at), load(here, D_DELTAS + at)
                        g0 = g0 + d_y * spread(BCs, of + STEPS)
                        g1 = g1 + d_y * spread(BCs, of + 3 * STEPS)
                        store(here, SUMS_B0 + row, load(here, SUMS_B0 + row) + g0 * drive)
                        store(here, SUMS_B1 + row, load(here, SUMS_B1 + row) + g1 * drive)
                        d_drive = d_drive + g0 * spread(BCs, of)
                        if both:
                            d_drive = d_drive + g1 * spread(BCs, of + 2 * STEPS)
                        store(here, D_DRIVES + at, d_drive)
                        g0, g1 = times(g0, load(here, DECAYS0 + row)), times(g1, load(here, DECAYS1 + row))
                        d_exponent0, d_exponent1 = g0 * load(here, BEFORES0 + row), g1 * load(here, BEFORES1 + row)
                        d_step = d_step + d_exponent0 * rate0
                        if both:
                            d_step = d_step + d_exponent1 * rate1
                        store(here, D_DELTAS + at, d_step)
                        d_rate0 = d_rate0 + d_exponent0 * step
                        d_rate1 = d_rate1 + d_exponent1 * step
                        if fresh[t]:
                            g0, g1 = splat(0.0, g0), splat(0.0, g1)
                    store(d_state, place, g0)
                    store(sums_rates, place, d_rate0)
                    if both:
                        store(d_state, place + WIDTH, g1)
                        store(sums_rates, place + WIDTH, d_rate1)
                if d_B.size:
                    store(d_B[group, b, n], t0, row_sums(here, SUMS_B0))
                    if both:
                        store(d_B[group, b, n + 1], t0, row_sums(here, SUMS_B1))
                if d_C.size:
                    store(d_C[group, b, n], t0, row_sums(here, SUMS_C0))
                    if both:
                        store(d_C[group, b, n + 1], t0, row_sums(here, SUMS_C1))
            for tile in range(tiles):
                channel, base = channel0 + tile * WIDTH, tile * TILE
                if d_z.size:
                    read(z, b, channel, t0, steps, here, WORK)
                    read(d_out, b, channel, t0, steps, here, BEFORES0)
                    for t in range(steps):
                        at = base + t * WIDTH
                        y = load(here, YS + at)
                        if D.size:
                            y = y + load(here, US + at) * load(D, channel)
                        store(
                            here,
                            WORK + t * WIDTH,
                            load(here, BEFORES0 + t * WIDTH) * y * silu_slope(load(here, WORK + t * WIDTH)),
                        )
                    write(here, WORK, d_z, b, channel, t0, steps)
                for t in range(steps):
                    at = base + t * WIDTH
                    d_drive, d_y = load(here, D_DRIVES + at), load(here, D_YS + at)
                    # d_deltas holds the sum over d(exponent) rate, and the rate is A / ln 2.
                    step = load(here, D_DELTAS + at) * splat(LN_2, d_drive) + times(d_drive, load(here, US + at))
                    d_input = times(d_drive, load(here, DELTAS + at))
                    if D.size:
                        d_input = d_input + d_y * load(D, channel)
                        store(sums_D, tile * WIDTH, load(sums_D, tile * WIDTH) + d_y * load(here, US + at))
                    if soft:
                        step = step * load(here, SLOPES + at)
                    store(sums_bias, tile * WIDTH, load(sums_bias, tile * WIDTH) + step)
                    store(here, D_DELTAS + at, step)
                    store(here, D_DRIVES + at, d_input)
                if d_u.size:
                    write(here, D_DRIVES + base, d_u, b, channel, t0, steps)
                if d_delta.size:
                    write(here, D_DELTAS + base, d_delta, b, channel, t0, steps)
        for tile in range(tiles):
            channel = channel0 + tile * WIDTH
            for n in range(states):
                if d_rates.size:
                    store(d_rates[b, n], channel, load(sums_rates, (tile * states + n) * WIDTH))
            if d_D.size:
                store(d_D[b], channel, load(sums_D, tile * WIDTH))
            if d_bias.size:
                store(d_bias[b], channel, load(sums_bias, tile * WIDTH))
