"""The depthwise causal convolution before Mamba's scan, with the SiLU behind it.

    y[t] = silu(bias + sum over k of weight[k] x[t - (K - 1) + k])

    x, y     batch x channels x length        weight   channels x K
    bias     channels                         reset    batch x length

On a CPU it is a kernel of our own, which reads and writes tensors as they lie: torch's is made for images and copies
them first. On a GPU it is causal-conv1d's, and where that is missing torch's.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from numba import types
from torch import Tensor
from torch.autograd.function import once_differentiable

from backbones.scan import conv_kernels
from backbones.scan.compiled import compiled, opaque, run
from backbones.scan.documents import each_document
from backbones.scan.lanes import WIDTH
from backbones.scan.layout import array, empty, empty_beside, fold, padded, round_up, view, view_reset
from backbones.scan.paths import missing
from backbones.scan.reference import computing_type

Activation = Literal["silu"] | None

KERNEL_TAPS = range(2, 5)
"""The numbers of taps that causal-conv1d is compiled for."""


@opaque
def causal_convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    activation: Activation = None,
    *,
    reset: Tensor | None = None,
) -> Tensor:
    """y, in the type of x. `reset` (bool) starts a new document at a step: nothing before it is looked at."""
    if x.device.type == "cpu":
        arguments = (x, weight, bias, activation == "silu", reset)
        return cast(Tensor, _Convolution.apply(*arguments)) if torch.is_grad_enabled() else cpu_forward(*arguments)
    if reset is not None:
        return each_document(lambda x: causal_convolution(x, weight, bias, activation), [x], reset)
    if x.device.type == "cuda" and weight.shape[1] in KERNEL_TAPS and missing("causal-conv1d") is None:
        from causal_conv1d import causal_conv1d_fn

        return causal_conv1d_fn(x, weight, bias, activation=activation)  # type: ignore[no-any-return]
    return reference_convolution(x, weight, bias, activation)


def reference_convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, activation: Activation = None
) -> Tensor:
    """In plain PyTorch, for whole sequences."""
    real = computing_type(x, weight, bias)
    taps = weight.shape[1]
    x_padded = F.pad(x.to(real), (taps - 1, 0))
    y = F.conv1d(x_padded, weight[:, None].to(real), None if bias is None else bias.to(real), groups=weight.shape[0])
    return (y if activation is None else F.silu(y)).to(x.dtype)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, silu: bool, reset: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight, bias, reset)
        ctx.silu = silu
        return cpu_forward(x, weight, bias, silu, reset)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, reset = ctx.saved_tensors
        return (*cpu_backward(x, weight, bias, ctx.silu, reset, d_out, ctx.needs_input_grad), None, None)


def cpu_forward(x: Tensor, weight: Tensor, bias: Tensor | None, silu: bool, reset: Tensor | None) -> Tensor:
    real = computing_type(x, weight, bias)
    out = empty_beside(x, real)
    run(_kernel("forward", real), [*_sources(x, weight, bias, silu, reset, real), out.numpy()], _tasks(x))
    return out.to(x.dtype)


def cpu_backward(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    silu: bool,
    reset: Tensor | None,
    d_out: Tensor,
    wanted: Sequence[bool],
    d_x: Tensor | None = None,
) -> list[Tensor | None]:
    """The gradients of x, weight and bias: None where none is `wanted`. `d_x` is where x's may go."""
    for_x, for_weight, for_bias = wanted[:3]
    real = computing_type(x, weight, bias)
    channels, taps = weight.shape
    wide = round_up(channels, WIDTH)
    if d_x is None:
        d_x = empty_beside(x, real, for_x)
    d_weight = empty(for_weight, x.shape[0], taps, wide, dtype=real)
    d_bias = empty(for_bias, x.shape[0], wide, dtype=real)
    gradients = [d_x.numpy(), d_weight.numpy(), d_bias.numpy()]
    sources = _sources(x, weight, bias, silu, reset, real)
    run(_kernel("backward", real), [*sources, view(d_out, 3, real), *gradients], _tasks(x))
    return [
        d_x.to(x.dtype) if for_x else None,
        fold(d_weight)[:, :channels].T.to(weight.dtype) if for_weight else None,
        fold(d_bias)[:channels].to(bias.dtype) if bias is not None and for_bias else None,
    ]


def _sources(
    x: Tensor, weight: Tensor, bias: Tensor | None, silu: bool, reset: Tensor | None, real: torch.dtype
) -> list[Any]:
    """The arguments that both kernels begin with."""
    wide = round_up(x.shape[1], WIDTH)
    taps = padded(weight.detach().to(real).T, wide, dim=1)
    bias = None if bias is None else padded(bias.detach().to(real), wide, dim=0)
    return [view(x, 3, real), taps.numpy(), view(bias, 1, real), silu, view_reset(reset)]


@functools.cache
def _kernel(name: Literal["forward", "backward"], real: torch.dtype) -> Callable[..., None]:
    along = array(real, 3, any_strides=True)
    sources = [along, array(real, 2), array(real, 1), types.boolean, array(torch.uint8, 2, any_strides=True)]
    kernel: Callable[..., None]
    if name == "forward":
        kernel, others = conv_kernels.convolution_forward, [along]
    else:
        kernel, others = conv_kernels.convolution_backward, [along, along, array(real, 3), array(real, 2)]
    return compiled(kernel, [*sources, *others, types.intp, types.intp])


def _tasks(x: Tensor) -> int:
    return x.shape[0] * (round_up(x.shape[1], WIDTH) // WIDTH)
