"""Puts the scan of this package under `MambaForCausalLM` of transformers.

transformers looks for mamba-ssm when it is imported, and from then on calls it whatever device the tensors are on, so
that a CPU tensor crashes where mamba-ssm is installed and crawls where it is not. `mount` replaces the five functions
that its Mamba block calls by name with ones that look at the device at each call, and the forwards of the block and of
the norm before it with ones that do all in one (`mixer`, `norm`). The model and its cache stay as they are.
"""

from typing import Any

from torch import Tensor
from transformers.activations import ACT2FN
from transformers.models.mamba import modeling_mamba

from backbones.scan import decoding, mixer, norm
from backbones.scan.convolution import Activation, causal_convolution
from backbones.scan.documents import documents_of
from backbones.scan.selective import selective_scan


def mount() -> None:
    """Puts our functions under every Mamba of transformers in this process. Calling it again changes nothing.

    Raises:
        RuntimeError: this transformers is built in another way.
    """
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
                f"The Mamba of this transformers has no {replacement.__name__}: install transformers 5.17 to 5.23."
            )
    for replacement in replacements:
        setattr(modeling_mamba, replacement.__name__, replacement)
    modeling_mamba.MambaMixer.forward = mixer.forward  # type: ignore[method-assign]
    modeling_mamba.MambaRMSNorm.forward = norm.forward  # type: ignore[method-assign]


# The five below have the signatures that modeling_mamba calls; what a caller of another version adds is let pass.


def mamba_inner_fn(xz: Tensor, *args: Any, **kwargs: Any) -> None:
    """None sends the block through the functions below: the fused kernel is called in `mixer`, or cannot be."""


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
    **others: Any,
) -> Tensor | tuple[Tensor, Tensor]:
    reset = documents_of(hidden_states)
    return selective_scan(hidden_states, dt, A, B, C, D, z, delta_bias, delta_softplus, return_last_state, reset=reset)


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
    **others: Any,
) -> Tensor:
    return decoding.selective_state_update(state, hidden_states, dt, A, B, C, D, z, dt_bias, dt_softplus)


def causal_conv1d_fn(
    hidden_states: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str | None = None, **others: Any
) -> Tensor:
    fused, left = _split(activation)
    y = causal_convolution(hidden_states, weight, bias, fused, reset=documents_of(hidden_states))
    return y if left is None else ACT2FN[left](y)


def causal_conv1d_update(
    hidden_states: Tensor, conv_state: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str | None = None
) -> Tensor:
    fused, left = _split(activation)
    y = decoding.causal_convolution_update(hidden_states, conv_state, weight, bias, fused)
    return y if left is None else ACT2FN[left](y)


def _split(activation: str | None) -> tuple[Activation, str | None]:
    """The activation that our convolution applies, and the one that is left to do."""
    return ("silu", None) if activation in ("silu", "swish") else (None, activation)
