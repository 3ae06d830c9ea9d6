"""What stands between the two large projections of a Mamba block on a CPU, as one function with one gradient.

    xz      batch x length x 2 D          what the first projection gives: x, and the gate z beside it
    u       batch x length x D            silu(convolution(x)), zero where the mask is
    p       batch x length x (R + 2 N)    u W_p^T: what delta is made of (R), then B and C (N each)
    delta   batch x length x D            the first R of p, times W_delta^T
    y       batch x length x D            selective_scan(u, delta, A, B, C, D, z), for the last projection

The kernels are those of `cpu` and `convolution`. Called one by one, with torch between them, a fifth of a training step
goes into copies: torch puts the gradients of x and z one behind the other and then transposes both, lays delta out with
steps side by side, and adds two gradients of u. Here each is written where the next matrix product reads it.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from backbones.scan import cpu
from backbones.scan.compiled import opaque
from backbones.scan.convolution import cpu_backward, cpu_forward


@opaque
def mamba_block(
    xz: Tensor,
    convolution: Tensor,
    convolution_bias: Tensor | None,
    W_p: Tensor,
    W_delta: Tensor,
    A: Tensor,
    D: Tensor,
    delta_bias: Tensor,
    *,
    mask: Tensor | None = None,
    reset: Tensor | None = None,
) -> Tensor:
    """y. All tensors are of one type, float32 or float64 (`fits`).

    Args:
        convolution: D x taps; W_p: R + 2 N x D; W_delta: D x R; A: D x N; D, delta_bias and convolution_bias: D.
        mask: batch x length, zero where there is padding.
        reset: batch x length, bool, true where a document starts.
    """
    arguments = (xz, convolution, convolution_bias, W_p, W_delta, A, D, delta_bias, mask, reset)
    return cast(Tensor, _Block.apply(*arguments))


class _Block(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        xz: Tensor,
        convolution: Tensor,
        convolution_bias: Tensor | None,
        W_p: Tensor,
        W_delta: Tensor,
        A: Tensor,
        D: Tensor,
        delta_bias: Tensor,
        mask: Tensor | None,
        reset: Tensor | None,
    ) -> Tensor:
        x, _ = xz.transpose(1, 2).chunk(2, dim=1)
        u = cpu_forward(x, convolution, convolution_bias, True, reset).transpose(1, 2).contiguous()
        if mask is not None:
            u *= mask[:, :, None]
        p = u @ W_p.T
        delta = p[:, :, : W_delta.shape[1]] @ W_delta.T
        wanted = any(ctx.needs_input_grad)
        inputs = _scanned(xz, u, p, delta, A, D, delta_bias, reset)
        y, _, kept = cpu.forward(inputs, True, False, keep_states=wanted)
        if wanted:
            ctx.save_for_backward(
                xz, convolution, convolution_bias, W_p, W_delta, A, D, delta_bias, mask, reset, u, p, delta, kept
            )
        return y.transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor | None, ...]:
        xz, convolution, convolution_bias, W_p, W_delta, A, D, delta_bias, mask, reset, u, p, delta, kept = (
            ctx.saved_tensors
        )
        for_xz, *for_convolution, for_W_p, for_W_delta, for_A, for_D, for_bias = ctx.needs_input_grad[:8]
        for_u = for_xz or any(for_convolution)
        for_p = for_u or for_W_p
        d_xz = torch.empty_like(xz, memory_format=torch.contiguous_format) if for_xz else None
        d_x, d_z = (None, None) if d_xz is None else d_xz.transpose(1, 2).chunk(2, dim=1)
        scanned = cpu.backward(
            _scanned(xz, u, p, delta, A, D, delta_bias, reset),
            True,
            kept,
            d_y.transpose(1, 2),
            None,
            cpu.Inputs(for_u, for_p or for_W_delta, for_A, for_p, for_p, for_D, for_xz, for_bias, False),
            d_z,
        )
        rank, states = W_delta.shape[1], A.shape[1]
        d_W_p = d_W_delta = None
        d_convolution: list[Tensor | None] = [None, None]
        if for_p or for_W_delta:
            d_delta = _rows(scanned.delta.transpose(1, 2))
        if for_W_delta:
            d_W_delta = (_rows(p)[:, :rank].T @ d_delta).T  # in this order: the other way round it takes twice the time
        if for_p:
            d_p = torch.empty_like(p)
            torch.mm(d_delta, W_delta, out=_rows(d_p)[:, :rank])
            d_p[:, :, rank : rank + states] = scanned.B.transpose(1, 2)
            d_p[:, :, rank + states :] = scanned.C.transpose(1, 2)
        if for_W_p:
            d_W_p = _rows(d_p).T @ _rows(u)
        if for_u:
            d_u = scanned.u.transpose(1, 2)
            _rows(d_u).addmm_(_rows(d_p), W_p)
            if mask is not None:
                d_u *= mask[:, :, None]
            x, _ = xz.transpose(1, 2).chunk(2, dim=1)
            _, *d_convolution = cpu_backward(
                x, convolution, convolution_bias, True, reset, d_u.transpose(1, 2), (for_xz, *for_convolution), d_x
            )
        return (d_xz, *d_convolution, d_W_p, d_W_delta, scanned.A, scanned.D, scanned.bias, None, None)


def _scanned(
    xz: Tensor, u: Tensor, p: Tensor, delta: Tensor, A: Tensor, D: Tensor, bias: Tensor, reset: Tensor | None
) -> cpu.Inputs:
    """The inputs of the scan, in its layout."""
    _, z = xz.transpose(1, 2).chunk(2, dim=1)
    states = A.shape[1]
    B, C = p[:, :, -2 * states :].transpose(1, 2).chunk(2, dim=1)
    return cpu.Inputs(u.transpose(1, 2), delta.transpose(1, 2), A, B, C, D, z, bias, reset)


def _rows(x: Tensor) -> Tensor:
    """batch x length x any, as a matrix."""
    return x.view(-1, x.shape[2])
