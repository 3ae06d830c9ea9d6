"""Puts the scan of this package under `MambaForCausalLM` of transformers.

transformers looks for mamba-ssm when it is imported, and from then on calls it whatever device the tensors are on, so
that a CPU tensor crashes where mamba-ssm is installed and crawls where it is not. `mount` replaces the five functions
that its Mamba block calls by name with ones that look at the device at each call. The model itself, its masks and its
cache stay as they are.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.activations import ACT2FN
from transformers.models.mamba import modeling_mamba

from backbones.scan.paths import choose, missing
from backbones.scan.selective import selective_scan


def mount() -> None:
    """Puts our scan under every Mamba of transformers in this process; calling it again changes nothing."""
    replacements = (
        mamba_inner_fn,
        mamba_selective_scan,
        mamba_selective_state_update,
        causal_conv1d_fn,
        causal_conv1d_update,
    )
    for replacement in replacements:
        if not hasattr(modeling_mamba, replacement.__name__):
            raise RuntimeError(
                f"This transformers has no {replacement.__name__} in its Mamba: install transformers 5.17 to 5.23."
            )
    for replacement in replacements:
        setattr(modeling_mamba, replacement.__name__, replacement)


def mamba_inner_fn(xz: Tensor, *args: Any, **kwargs: Any) -> Tensor | None:
    """The whole block in one kernel, where there is one: batch x 2 channels x length to batch x length x width.

    None sends the block through the functions below.
    """
    if xz.device.type != "cuda" or missing("mamba-ssm") is not None or missing("causal-conv1d") is not None:
        return None
    from mamba_ssm.ops.selective_scan_interface import mamba_inner_fn as fused

    return fused(xz, *args, **kwargs)  # type: ignore[no-any-return]


def mamba_selective_scan(
    hidden_states: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    **choices_of_transformers: Any,
) -> Tensor | tuple[Tensor, Tensor]:
    return selective_scan(hidden_states, dt, A, B, C, D, z, delta_bias, delta_softplus, return_last_state)


def mamba_selective_state_update(
    state: Tensor,
    hidden_states: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    dt_bias: Tensor | None = None,
    dt_softplus: bool = False,
    z: Tensor | None = None,
    **kwargs: Any,
) -> Tensor:
    """One step of the recurrence. state (batch x channels x state) is changed; the rest is batch x channels or state."""
    if choose(hidden_states.device) == "cuda":
        from mamba_ssm.ops.triton.selective_state_update import selective_state_update

        return selective_state_update(  # type: ignore[no-any-return]
            state, hidden_states, dt, A, B, C, D=D, z=z, dt_bias=dt_bias, dt_softplus=dt_softplus
        )
    real = torch.promote_types(torch.float32, hidden_states.dtype)
    u, delta, B, C = (x.to(real) for x in (hidden_states, dt, B, C))
    if dt_bias is not None:
        delta = delta + dt_bias
    if dt_softplus:
        delta = F.softplus(delta)
    h = torch.exp(delta[..., None] * A) * state + (delta * u)[..., None] * B[:, None]
    state.copy_(h)
    y = torch.einsum("bdn,bn->bd", h, C)
    if D is not None:
        y = y + D * u
    if z is not None:
        y = y * F.silu(z.to(real))
    return y.to(hidden_states.dtype)


def causal_conv1d_fn(
    hidden_states: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str | None = None, **kwargs: Any
) -> Tensor:
    """Each channel convolved with its own few weights over what came before. hidden_states: batch x channels x length."""
    if hidden_states.device.type == "cuda" and missing("causal-conv1d") is None:
        from causal_conv1d import causal_conv1d_fn as kernel

        return kernel(hidden_states, weight, bias, activation=activation)  # type: ignore[no-any-return]
    length = hidden_states.shape[2]
    y = F.conv1d(
        hidden_states.to(weight.dtype), weight[:, None], bias, padding=weight.shape[1] - 1, groups=weight.shape[0]
    )[:, :, :length]
    return (y if activation is None else ACT2FN[activation](y)).to(hidden_states.dtype)


def causal_conv1d_update(
    hidden_states: Tensor, conv_state: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str | None = None
) -> Tensor:
    """The convolution for the next few steps. conv_state (batch x channels x kernel) holds the inputs before; changed."""
    if hidden_states.device.type == "cuda" and missing("causal-conv1d") is None:
        from causal_conv1d import causal_conv1d_update as kernel

        return kernel(hidden_states, conv_state, weight, bias, activation)  # type: ignore[no-any-return]
    inputs = torch.cat([conv_state, hidden_states], dim=2).to(weight.dtype)
    conv_state.copy_(inputs[:, :, -conv_state.shape[2] :])
    y = F.conv1d(inputs, weight[:, None], bias, groups=weight.shape[0])[:, :, -hidden_states.shape[2] :]
    return (y if activation is None else ACT2FN[activation](y)).to(hidden_states.dtype)
