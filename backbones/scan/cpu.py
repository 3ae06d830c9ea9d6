"""The selective scan on a CPU, as a function that torch can differentiate. The work is done in `scan_kernels`.

Shapes as in `reference`. Any strides will do and nothing is copied for them; fastest is what a linear layer gives,
batch x length x D, transposed: then sixteen channels are read at once.
"""

import functools
from collections.abc import Callable
from typing import Any, cast

import torch
from numba import types
from torch import Tensor
from torch.autograd.function import once_differentiable

from backbones.scan import scan_kernels
from backbones.scan.compiled import compiled, run, view
from backbones.scan.lanes import LN_2, WIDTH
from backbones.scan.reference import computing_type
from backbones.scan.scan_kernels import GROUP, STEPS, STRETCH


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
    @once_differentiable  # type: ignore[untyped-decorator]
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
    states, padded = A.shape[1], _round_up(channels, WIDTH)
    out = _beside(u, real)
    chunks = -(-length // STEPS)
    kept = torch.empty((batch, chunks, states, padded) if keep_states else (0, 0, 0, 0), dtype=real)
    last = torch.zeros((batch, padded, states) if return_last else (0, 0, 0), dtype=real)
    sources = _sources(u, delta, A, B, C, D, z, bias, soft, reset, real)
    run(_kernel("forward", real), [*sources, view(out, 3, out), kept.numpy(), last.numpy()], _tasks(u))
    return out.to(u.dtype), last[:, :channels], kept


def _backward(ctx: Any, d_out: Tensor | None, d_last: Tensor | None) -> list[Tensor | None]:
    """The gradients of u, delta, A, B, C, D, z and bias: None where none is wanted."""
    u, delta, A, B, C, D, z, bias, reset, kept = ctx.saved_tensors
    real = kept.dtype
    batch, channels, length = u.shape
    states, padded, groups = A.shape[1], _round_up(channels, WIDTH), _round_up(channels, GROUP) // GROUP
    for_u, for_delta, for_A, for_B, for_C, for_D, for_z, for_bias = ctx.needs_input_grad[:8]
    d_out = torch.zeros((), dtype=real).expand(u.shape) if d_out is None else d_out.to(real)
    if d_last is not None:
        d_last = _padded(d_last.to(real), padded, dim=1)

    def empty(wanted: bool, *shape: int) -> Tensor:
        return torch.empty(shape if wanted else (0,) * len(shape), dtype=real)

    d_u = _beside(u, real) if for_u else empty(False, 0, 0, 0)
    d_delta = _beside(delta, real) if for_delta else empty(False, 0, 0, 0)
    d_z = _beside(z, real) if for_z else empty(False, 0, 0, 0)
    d_B = empty(for_B, groups, batch, states, _round_up(length, STEPS))
    d_C = empty(for_C, groups, batch, states, _round_up(length, STEPS))
    d_A = empty(for_A, batch, states, padded)
    d_D = empty(for_D, batch, padded)
    d_bias = empty(for_bias, batch, padded)
    gradients = (d_u, d_delta, d_z, d_B, d_C, d_A, d_D, d_bias)
    sources = _sources(u, delta, A, B, C, D, z, bias, ctx.soft, reset, real)
    run(
        _kernel("backward", real),
        [*sources, kept.numpy(), view(d_out, 3, kept), view(d_last, 3, kept), *(x.numpy() for x in gradients)],
        _tasks(u),
    )
    return [
        d_u.to(u.dtype) if for_u else None,
        d_delta.to(delta.dtype) if for_delta else None,
        _fold(d_A)[:, :channels].T.to(A.dtype) if for_A else None,
        _fold(d_B)[:, :, :length].to(B.dtype) if for_B else None,
        _fold(d_C)[:, :, :length].to(C.dtype) if for_C else None,
        _fold(d_D)[:channels].to(D.dtype) if for_D else None,
        d_z.to(z.dtype) if for_z else None,
        _fold(d_bias)[:channels].to(bias.dtype) if for_bias else None,
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
    padded = _round_up(u.shape[1], WIDTH)
    rates = _padded(A.detach().to(real).T / LN_2, padded, dim=1)
    # Where these inputs are of another type they are copied; where they are not, their memory is read as it lies.
    over_time = [x if x is None else x.to(real) for x in (u, delta, B, C, z)]
    over_channels = [x if x is None else _padded(x.detach().to(real), padded, dim=0) for x in (D, bias)]
    return [
        *(view(x, 3, rates) for x in over_time),
        rates.numpy(),
        *(view(x, 1, rates) for x in over_channels),
        soft,
        view(None if reset is None else reset.view(torch.uint8), 2, torch.empty(0, dtype=torch.uint8)),
    ]


@functools.cache
def _kernel(name: str, real: torch.dtype) -> Callable[..., None]:
    number = {torch.float32: types.float32, torch.float64: types.float64}[real]

    def array(dimensions: int, layout: str = "C", element: Any = number) -> Any:
        return types.Array(element, dimensions, layout)

    # u, delta, B, C, z and reset come with any strides.
    sources = [*(array(3, "A") for _ in range(5)), array(2), array(1), array(1), types.boolean]
    sources.append(array(2, "A", types.uint8))
    kept, along = array(4), array(3, "A")
    if name == "forward":
        arguments = [*sources, along, kept, array(3)]
    else:
        arguments = [*sources, kept, along, array(3), along, along, along, array(4), array(4), array(3)]
        arguments += [array(2), array(2)]
    return compiled(getattr(scan_kernels, f"scan_{name}"), [*arguments, types.intp, types.intp])


@functools.cache
def _fold_kernel(real: torch.dtype) -> Callable[..., None]:
    number = {torch.float32: types.float32, torch.float64: types.float64}[real]
    arguments = [types.Array(number, 2, "C"), types.Array(number, 1, "C"), types.intp, types.intp]
    return compiled(scan_kernels.fold, arguments)


def _fold(parts: Tensor) -> Tensor:
    """The sum over the first axis, always in the same order."""
    total = parts.new_zeros(parts.shape[1:])
    flat = total.view(-1)
    if parts.shape[0]:
        arrays = [parts.view(parts.shape[0], -1).numpy(), flat.numpy()]
        run(_fold_kernel(parts.dtype), arrays, _round_up(flat.shape[0], STRETCH) // STRETCH)
    return total


def _tasks(u: Tensor) -> int:
    return u.shape[0] * (_round_up(u.shape[1], GROUP) // GROUP)


def _beside(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Memory for a tensor of the shape of x, its channels side by side where those of x are."""
    batch, channels, length = x.shape
    if x.stride(1) == 1:
        return torch.empty((batch, length, channels), dtype=dtype).transpose(1, 2)
    return torch.empty((batch, channels, length), dtype=dtype)


def _padded(x: Tensor, size: int, dim: int) -> Tensor:
    """x, contiguous, with zeros behind it along one axis."""
    if x.shape[dim] == size:
        return x.contiguous()
    wide = x.new_zeros([size if axis == dim else extent for axis, extent in enumerate(x.shape)])
    wide.narrow(dim, 0, x.shape[dim]).copy_(x)
    return wide


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
