"""The selective scan on a CPU, as a function that torch can differentiate. The work is done in `scan_kernels`.

Shapes as in `reference`. Any strides will do and nothing is copied for them; fastest is what a linear layer gives,
batch x length x D, transposed: then sixteen channels are read at once.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal, cast

import torch
from numba import types
from torch import Tensor
from torch.autograd.function import once_differentiable

from backbones.scan import scan_kernels
from backbones.scan.compiled import compiled, opaque, run
from backbones.scan.formulas import LN_2
from backbones.scan.lanes import WIDTH
from backbones.scan.layout import array, empty, empty_beside, fold, padded, round_up, view, view_reset
from backbones.scan.reference import computing_type
from backbones.scan.scan_kernels import GROUP
from backbones.scan.tiles import STEPS


@opaque
def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = True,
    *,
    reset: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """As `reference.selective_scan`. Without `return_last_state` the state that is returned has no elements."""
    arguments = (u, delta, A, B, C, D, z, delta_bias, delta_softplus, return_last_state, reset)
    if torch.is_grad_enabled():
        return cast(tuple[Tensor, Tensor], _Scan.apply(*arguments))
    out, last, _ = _forward(*arguments, keep_states=False)
    return out, last


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None,
        z: Tensor | None,
        bias: Tensor | None,
        soft: bool,
        return_last: bool,
        reset: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        wanted = any(ctx.needs_input_grad)
        out, last, states = _forward(u, delta, A, B, C, D, z, bias, soft, return_last, reset, keep_states=wanted)
        if wanted:
            ctx.save_for_backward(u, delta, A, B, C, D, z, bias, reset, states)
            ctx.soft = soft
            ctx.set_materialize_grads(False)
        return out, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor | None, d_last: Tensor | None) -> tuple[Tensor | None, ...]:
        return (*_backward(ctx, d_out, d_last), None, None, None)


def _forward(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    bias: Tensor | None,
    soft: bool,
    return_last: bool,
    reset: Tensor | None,
    *,
    keep_states: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The output, the last state, and the states at the start of each chunk."""
    real = computing_type(u, delta, A, B, C, D, z, bias)
    batch, channels, length = u.shape
    states, wide = A.shape[1], round_up(channels, WIDTH)
    out = empty_beside(u, real)
    chunks = -(-length // STEPS)
    kept = empty(keep_states, batch, chunks, states, wide, dtype=real)
    last = torch.zeros((batch, wide, states) if return_last else (0, 0, 0), dtype=real)
    sources = _sources(u, delta, A, B, C, D, z, bias, soft, reset, real)
    run(_kernel("forward", real), [*sources, out.numpy(), kept.numpy(), last.numpy()], _tasks(u))
    return out.to(u.dtype), last[:, :channels], kept


def _backward(ctx: Any, d_out: Tensor | None, d_last: Tensor | None) -> list[Tensor | None]:
    """The gradients of u, delta, A, B, C, D, z and bias: None where none is wanted."""
    u, delta, A, B, C, D, z, bias, reset, kept = ctx.saved_tensors
    real = kept.dtype
    batch, channels, length = u.shape
    states, wide, groups = A.shape[1], round_up(channels, WIDTH), round_up(channels, GROUP) // GROUP
    for_u, for_delta, for_A, for_B, for_C, for_D, for_z, for_bias = ctx.needs_input_grad[:8]
    d_out = torch.zeros((), dtype=real).expand(u.shape) if d_out is None else d_out.to(real)
    if d_last is not None:
        d_last = padded(d_last.to(real), wide, dim=1)

    d_u, d_delta = empty_beside(u, real, for_u), empty_beside(delta, real, for_delta)
    d_z = empty_beside(u if z is None else z, real, for_z)
    steps = round_up(length, STEPS)
    d_B, d_C = (empty(wanted, groups, batch, states, steps, dtype=real) for wanted in (for_B, for_C))
    d_A = empty(for_A, batch, states, wide, dtype=real)
    d_D, d_bias = (empty(wanted, batch, wide, dtype=real) for wanted in (for_D, for_bias))
    gradients = (d_u, d_delta, d_z, d_B, d_C, d_A, d_D, d_bias)
    sources = _sources(u, delta, A, B, C, D, z, bias, ctx.soft, reset, real)
    run(
        _kernel("backward", real),
        [*sources, kept.numpy(), view(d_out, 3, real), view(d_last, 3, real), *(x.numpy() for x in gradients)],
        _tasks(u),
    )
    return [
        d_u.to(u.dtype) if for_u else None,
        d_delta.to(delta.dtype) if for_delta else None,
        fold(d_A)[:, :channels].T.to(A.dtype) if for_A else None,
        fold(d_B)[:, :, :length].to(B.dtype) if for_B else None,
        fold(d_C)[:, :, :length].to(C.dtype) if for_C else None,
        fold(d_D)[:channels].to(D.dtype) if for_D else None,
        d_z.to(z.dtype) if for_z else None,
        fold(d_bias)[:channels].to(bias.dtype) if for_bias else None,
    ]


def _sources(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    bias: Tensor | None,
    soft: bool,
    reset: Tensor | None,
    real: torch.dtype,
) -> list[Any]:
    """The arguments that both kernels begin with."""
    wide = round_up(u.shape[1], WIDTH)
    rates = padded(A.detach().to(real).T / LN_2, wide, dim=1)
    over_channels = [x if x is None else padded(x.detach().to(real), wide, dim=0) for x in (D, bias)]
    return [
        *(view(x, 3, real) for x in (u, delta, B, C, z)),
        rates.numpy(),
        *(view(x, 1, real) for x in over_channels),
        soft,
        view_reset(reset),
    ]


@functools.cache
def _kernel(name: Literal["forward", "backward"], real: torch.dtype) -> Callable[..., None]:
    along, bytes_along = array(real, 3, any_strides=True), array(torch.uint8, 2, any_strides=True)
    one, two, three, four = (array(real, dimensions) for dimensions in (1, 2, 3, 4))
    sources = [along, along, along, along, along, two, one, one, types.boolean, bytes_along]
    kernel: Callable[..., None]
    if name == "forward":
        kernel, others = scan_kernels.scan_forward, [along, four, three]
    else:
        kernel, others = (
            scan_kernels.scan_backward,
            [four, along, three, along, along, along, four, four, three, two, two],
        )
    return compiled(kernel, [*sources, *others, types.intp, types.intp])


def _tasks(u: Tensor) -> int:
    return u.shape[0] * (round_up(u.shape[1], GROUP) // GROUP)
