"""The root mean square norm before each Mamba block, on a CPU: x (any x width) and weight (width) to any x width.

In torch it is six operations, and more for its gradient, each of which goes over all of the memory; here it is one.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal, cast

import torch
from numba import types
from torch import Tensor
from torch.autograd.function import once_differentiable
from transformers.models.mamba import modeling_mamba

from backbones.scan import norm_kernels
from backbones.scan.compiled import compiled, opaque, run
from backbones.scan.layout import NUMBERS, array, fits, fold
from backbones.scan.norm_kernels import ROWS

_theirs = modeling_mamba.MambaRMSNorm.forward


def forward(norm: Any, hidden_states: Tensor) -> Tensor:
    """The forward of transformers' `MambaRMSNorm`: batch x length x width to the same."""
    if fits(hidden_states, norm.weight):
        return rms_norm(hidden_states, norm.weight, norm.variance_epsilon)
    return _theirs(norm, hidden_states)  # type: ignore[no-any-return]


@opaque
def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean of x^2 + eps) * weight. Both of one type, float32 or float64."""
    return cast(Tensor, _Norm.apply(x, weight, eps))


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.eps = eps
        rows = _rows(x)
        y = torch.empty_like(rows)
        arguments = [rows.numpy(), weight.detach().contiguous().numpy(), eps, y.numpy()]
        run(_kernel("forward", x.dtype), arguments, _tasks(rows))
        return y.view(x.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        rows = _rows(x)
        d_x = torch.empty_like(rows)
        d_weight = x.new_empty(_tasks(rows), x.shape[-1])
        sources = [rows.numpy(), weight.detach().contiguous().numpy(), ctx.eps, _rows(d_y).numpy()]
        run(_kernel("backward", x.dtype), [*sources, d_x.numpy(), d_weight.numpy()], _tasks(rows))
        return d_x.view(x.shape), fold(d_weight), None


def _rows(x: Tensor) -> Tensor:
    """1 x rows x width, contiguous."""
    return x.detach().reshape(1, x.numel() // x.shape[-1], x.shape[-1]).contiguous()


def _tasks(rows: Tensor) -> int:
    return -(-rows.shape[1] // ROWS)


@functools.cache
def _kernel(name: Literal["forward", "backward"], real: torch.dtype) -> Callable[..., None]:
    sources = [array(real, 3), array(real, 1), NUMBERS[real]]
    if name == "forward":
        return compiled(norm_kernels.norm_forward, [*sources, array(real, 3), types.intp, types.intp])
    others = [array(real, 3), array(real, 3), array(real, 2)]
    return compiled(norm_kernels.norm_backward, [*sources, *others, types.intp, types.intp])
