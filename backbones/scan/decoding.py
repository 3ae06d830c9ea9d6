"""One token at a time: the step of the recurrence and of the convolution, from states that are updated in place.

    u, delta, z   batch x channels        A       channels x state
    B, C          batch x state           state   batch x channels x state

On a GPU with mamba-ssm and causal-conv1d these are their kernels. On a CPU a step is a few operations of torch: there
is no loop over time left to fuse.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from backbones.scan.convolution import KERNEL_TAPS, Activation
from backbones.scan.paths import choose, missing
from backbones.scan.reference import computing_type


def selective_state_update(
    state: Tensor,
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
) -> Tensor:
    """y (batch x channels, in the type of u). The new state is written over the old one."""
    if choose(u.device) == "cuda":
        from mamba_ssm.ops.triton.selective_state_update import selective_state_update as kernel

        return kernel(  # type: ignore[no-any-return]
            state, u, delta, A, B, C, D=D, z=z, dt_bias=delta_bias, dt_softplus=delta_softplus
        )
    real = computing_type(state, u, delta, A, B, C, D, z, delta_bias)
    dtype = u.dtype
    u, delta, A, B, C = (x.to(real) for x in (u, delta, A, B, C))
    if delta_bias is not None:
        delta = delta + delta_bias
    if delta_softplus:
        delta = F.softplus(delta)
    h = torch.exp(delta[..., None] * A) * state + (delta * u)[..., None] * B[:, None]
    state.copy_(h)
    y = (h * C[:, None]).sum(2)
    if D is not None:
        y = y + D * u
    if z is not None:
        y = y * F.silu(z.to(real))
    return y.to(dtype)


def causal_convolution_update(
    x: Tensor, state: Tensor, weight: Tensor, bias: Tensor | None = None, activation: Activation = None
) -> Tensor:
    """y for the next steps x (batch x channels x steps). state: batch x channels x the inputs before, newest last."""
    if x.device.type == "cuda" and weight.shape[1] in KERNEL_TAPS and missing("causal-conv1d") is None:
        from causal_conv1d import causal_conv1d_update

        return causal_conv1d_update(x, state, weight, bias, activation)  # type: ignore[no-any-return]
    steps = x.shape[2]
    inputs = torch.cat([state.to(x.dtype), x], dim=2)
    state.copy_(inputs[:, :, -state.shape[2] :])
    real = computing_type(x, weight, bias)
    bias = None if bias is None else bias.to(real)
    y = F.conv1d(inputs.to(real), weight[:, None].to(real), bias, groups=weight.shape[0])[:, :, -steps:]
    return (y if activation is None else F.silu(y)).to(x.dtype)
