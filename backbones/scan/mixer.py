"""The forward of transformers' `MambaMixer`: whole sequences through one function, where there is one for their device.

    hidden_states    batch x length x width, and so is what comes out
    attention_mask   batch x length, zero where there is padding

On a CPU that function is `block.mamba_block`, on a GPU mamba-ssm's `mamba_inner_fn`. transformers would call the latter
itself, but hands on neither the mask nor the activation, so that padded batches came out wrong; here both are known.
What is special about a block (a cache, another activation, a layer that something was put into, types that differ)
sends it through transformers' own forward, and so through the functions of `mounting`.
"""

from typing import Any

from torch import Tensor, nn
from transformers.models.mamba import modeling_mamba

from backbones.scan.block import mamba_block
from backbones.scan.documents import documents_of, is_packed
from backbones.scan.layout import fits
from backbones.scan.paths import missing

SILU = ("silu", "swish")
_theirs = modeling_mamba.MambaMixer.forward


def forward(
    mixer: Any, hidden_states: Tensor, cache_params: Any = None, attention_mask: Tensor | None = None, **others: Any
) -> Tensor:
    """batch x length x width. What is not done at once here goes through transformers' own forward."""
    if cache_params is None and mixer.activation in SILU and _is_plain(mixer.x_proj):
        if hidden_states.device.type == "cpu" and fits(hidden_states, *_weights(mixer)):
            return _on_cpu(mixer, hidden_states, attention_mask)
        if hidden_states.device.type == "cuda" and attention_mask is None and _may_be_fused(mixer):
            return _on_gpu(mixer, hidden_states)
    return _theirs(mixer, hidden_states, cache_params, attention_mask, **others)  # type: ignore[no-any-return]


def _on_cpu(mixer: Any, hidden_states: Tensor, mask: Tensor | None) -> Tensor:
    if mask is not None:
        hidden_states = hidden_states * mask[:, :, None]
    convolution, convolution_bias, W_p, W_delta, delta_bias, A_log, D = _weights(mixer)
    y = mamba_block(
        mixer.in_proj(hidden_states),
        convolution.squeeze(1),
        convolution_bias,
        W_p,
        W_delta,
        -A_log.exp(),
        D,
        delta_bias,
        mask=mask,
        reset=documents_of(hidden_states.transpose(1, 2)),
    )
    return mixer.out_proj(y)  # type: ignore[no-any-return]


def _on_gpu(mixer: Any, hidden_states: Tensor) -> Tensor:
    from mamba_ssm.ops.selective_scan_interface import mamba_inner_fn

    convolution, convolution_bias, W_p, W_delta, delta_bias, A_log, D = _weights(mixer)
    bias = mixer.out_proj.bias
    return mamba_inner_fn(  # type: ignore[no-any-return]
        mixer.in_proj(hidden_states).transpose(1, 2),
        convolution,
        convolution_bias,
        W_p,
        W_delta,
        mixer.out_proj.weight,
        None if bias is None else bias.float(),
        -A_log.float().exp(),
        None,  # B and C are computed from x
        None,
        D.float(),
        delta_bias=delta_bias.float(),
        delta_softplus=True,
    )


def _weights(mixer: Any) -> tuple[Any, ...]:
    delta = mixer.dt_proj
    return (mixer.conv1d.weight, mixer.conv1d.bias, mixer.x_proj.weight, delta.weight, delta.bias, mixer.A_log, mixer.D)


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer is no more than its weight: an adapter in its place, or a hook on it, has to be called."""
    hooks = (layer._forward_hooks, layer._forward_pre_hooks, layer._backward_hooks)
    return type(layer) is nn.Linear and not any(hooks) and not hasattr(layer, "_hf_hook")


def _may_be_fused(mixer: Any) -> bool:
    """Whether mamba-ssm's kernel can do a block: it is made for training, and knows no documents."""
    there = missing("mamba-ssm") is None and missing("causal-conv1d") is None
    return there and mixer.training and not is_packed() and _is_plain(mixer.out_proj)
