"""Puts the scan of this package under `MambaForCausalLM` of transformers.

transformers looks for mamba-ssm when it is imported, and from then on calls it whatever device the tensors are on, so
that a CPU tensor crashes where mamba-ssm is installed and crawls where it is not. `mount` replaces the five functions
that its Mamba block calls by name with ones that look at the device at each call. The model itself, its masks and its
cache stay as they are.

`packed` tells the blocks where documents start in sequences that hold several: transformers' model has no argument for
it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn.functional as F
from torch import Tensor
from transformers.activations import ACT2FN
from transformers.models.mamba import modeling_mamba

from backbones.scan import decoding
from backbones.scan.convolution import Activation, causal_convolution
from backbones.scan.paths import missing
from backbones.scan.selective import selective_scan

_documents: Tensor | None = None
"""Where documents start, in the sequences that the model is called with now. Not a context variable: torch recomputes
checkpointed blocks on threads of its own, and they have to see it as well."""


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


@contextmanager
def packed(reset: Tensor) -> Iterator[None]:
    """Inside, every mounted Mamba keeps documents apart: `reset` (batch x length, bool) is true where one starts.

    With gradient checkpointing the backward pass belongs inside as well, as it runs the blocks again.
    """
    global _documents
    before, _documents = _documents, reset
    try:
        yield
    finally:
        _documents = before


# The five below have the signatures that modeling_mamba calls; what a caller of another version adds is let pass.


def mamba_inner_fn(xz: Tensor, *args: Any, **kwargs: Any) -> Tensor | None:
    """The whole block in one kernel, where there is one: batch x 2 channels x length to batch x length x width.

    None sends the block through the functions below.
    """
    if xz.device.type != "cuda" or _documents is not None:
        return None
    if missing("mamba-ssm") is not None or missing("causal-conv1d") is not None:
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
    **others: Any,
) -> Tensor | tuple[Tensor, Tensor]:
    reset = _documents_of(hidden_states)
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
    y = causal_convolution(hidden_states, weight, bias, fused, reset=_documents_of(hidden_states))
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


def _documents_of(hidden_states: Tensor) -> Tensor | None:
    """Where documents start in hidden_states, batch x channels x length."""
    if _documents is None:
        return None
    batch, _, length = hidden_states.shape
    # A cache hands a sequence that is shorter than the convolution on with zeros before it.
    lacking = length - _documents.shape[1]
    if _documents.shape[0] != batch or lacking < 0:
        shape = " x ".join(map(str, _documents.shape))
        raise ValueError(f"packed was told of {shape} steps, and the model was called with {batch} x {length}.")
    return F.pad(_documents, (lacking, 0)).to(hidden_states.device)
