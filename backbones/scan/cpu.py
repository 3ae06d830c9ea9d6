"""The selective scan on a CPU, as a function that torch can differentiate. The work is done in `scan_kernels` and
`scan_gradient_kernels`.

Shapes as in `reference`. Any strides will do and nothing is copied for them; fastest is what a linear layer gives,
batch x length x D, transposed: then sixteen channels are read at once.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, cast

import torch
from numba import types
from torch import Tensor
from torch.autograd.function import once_differentiable

from backbones.scan.compiled import compiled, opaque, run
from backbones.scan.formulas import LN_2
from backbones.scan.lanes import WIDTH
from backbones.scan.layout import array, empty, empty_beside, fold, padded, round_up, view, view_reset
from backbones.scan.reference import computing_type
from backbones.scan.scan_gradient_kernels import scan_backward
from backbones.scan.scan_kernels import GROUP, scan_forward
from backbones.scan.tiles import STEPS


class Inputs(NamedTuple):
    """One thing for each input of a scan: the tensor (None where it is left out), its gradient, or whether that is
    wanted."""

    u: Any
    delta: Any
    A: Any
    B: Any
    C: Any
    D: Any
    z: Any
    bias: Any
    """Of delta."""
    reset: Any


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
    inputs = Inputs(u, delta, A, B, C, D, z, delta_bias, reset)
    if torch.is_grad_enabled():
        return cast(tuple[Tensor, Tensor], _Scan.apply(delta_softplus, return_last_state, *inputs))
    out, last, _ = forward(inputs, delta_softplus, return_last_state, keep_states=False)
    return out, last


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, soft: bool, return_last: bool, *tensors: Any) -> tuple[Tensor, Tensor]:
        wanted = any(ctx.needs_input_grad)
        out, last, kept = forward(Inputs(*tensors), soft, return_last, keep_states=wanted)
        if wanted:
            ctx.save_for_backward(*tensors, kept)
            ctx.soft = soft
            ctx.set_materialize_grads(False)
        return out, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor | None, d_last: Tensor | None) -> tuple[Tensor | None, ...]:
        *tensors, kept = ctx.saved_tensors
        gradients = backward(Inputs(*tensors), ctx.soft, kept, d_out, d_last, Inputs(*ctx.needs_input_grad[2:]))
        return (None, None, *gradients)


def forward(inputs: Inputs, soft: bool, return_last: bool, *, keep_states: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The output, the last state, and the states at the start of each chunk."""
    u, real = inputs.u, _real(inputs)
    batch, channels, length = u.shape
    states, wide = inputs.A.shape[1], round_up(channels, WIDTH)
    out = empty_beside(u, real)
    chunks = -(-length // STEPS)
    kept = empty(keep_states, batch, chunks, states, wide, dtype=real)
    last = torch.zeros((batch, wide, states) if return_last else (0, 0, 0), dtype=real)
    sources = _sources(inputs, soft, real)
    run(_kernel("forward", real), [*sources, out.numpy(), kept.numpy(), last.numpy()], _tasks(u))
    return out.to(u.dtype), last[:, :channels], kept


def backward(
    inputs: Inputs,
    soft: bool,
    kept: Tensor,
    d_out: Tensor | None,
    d_last: Tensor | None,
    wanted: Inputs,
    d_z: Tensor | None = None,
) -> Inputs:
    """The gradients of the inputs: None where none is `wanted`. `d_z` is where that of z may be written."""
    u, real = inputs.u, kept.dtype
    batch, channels, length = u.shape
    states, wide, groups = inputs.A.shape[1], round_up(channels, WIDTH), round_up(channels, GROUP) // GROUP
    d_out = torch.zeros((), dtype=real).expand(u.shape) if d_out is None else d_out.to(real)
    if d_last is not None:
        d_last = padded(d_last.to(real), wide, dim=1)

    d_u, d_delta = empty_beside(u, real, wanted.u), empty_beside(inputs.delta, real, wanted.delta)
    if d_z is None:
        d_z = empty_beside(u if inputs.z is None else inputs.z, real, wanted.z)
    steps = round_up(length, STEPS)
    d_B, d_C = (empty(each, groups, batch, states, steps, dtype=real) for each in (wanted.B, wanted.C))
    d_A = empty(wanted.A, batch, states, wide, dtype=real)
    d_D, d_bias = (empty(each, batch, wide, dtype=real) for each in (wanted.D, wanted.bias))
    gradients = (d_u, d_delta, d_z, d_B, d_C, d_A, d_D, d_bias)
    sources = _sources(inputs, soft, real)
    run(
        _kernel("backward", real),
        [*sources, kept.numpy(), view(d_out, 3, real), view(d_last, 3, real), *(x.numpy() for x in gradients)],
        _tasks(u),
    )
    whole = Inputs(
        u=d_u,
        delta=d_delta,
        A=fold(d_A)[:, :channels].T,
        B=fold(d_B)[:, :, :length],
        C=fold(d_C)[:, :, :length],
        D=fold(d_D)[:channels],
        z=d_z,
        bias=fold(d_bias)[:channels],
        reset=None,
    )
    pairs = zip(whole, inputs, wanted, strict=True)
    return Inputs(*(gradient.to(x.dtype) if each else None for gradient, x, each in pairs))


def _real(inputs: Inputs) -> torch.dtype:
    """What is computed in."""
    return computing_type(*inputs[:-1])


def _sources(inputs: Inputs, soft: bool, real: torch.dtype) -> list[Any]:
    """The arguments that both kernels begin with."""
    u, delta, A, B, C, D, z, bias, reset = inputs
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
        kernel, others = scan_forward, [along, four, three]
    else:
        kernel, others = (
            scan_backward,
            [four, along, three, along, along, along, four, four, three, two, two],
        )
    return compiled(kernel, [*sources, *others, types.intp, types.intp])


def _tasks(u: Tensor) -> int:
    return u.shape[0] * (round_up(u.shape[1], GROUP) // GROUP)
