"""Attention that keeps packed documents apart, for Transformers: the counterpart of resets in Mamba's scan.

    query         batch x heads x length x head width
    key, value    the same, or of fewer heads, each of which serves several of the query's

Inside `backbones.scan.packed` each document becomes a row of its own and attention runs over the rows, so that no mask
of length x length is made, nothing is computed between documents, and nothing of one can reach another. Documents of
similar length share a call: padded to the longest of all, the world's would cost three times as much. Positions are the
caller's to restart. Outside, it is transformers' scaled dot product attention as it stands.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from backbones.scan.documents import starts

NAME = "documents"
"""Under which transformers knows this attention."""

STEPS_OF_AN_OCTAVE = 4
"""Into how many groups documents of lengths between n and 2n fall."""


def keep_documents_apart(model: PreTrainedModel) -> None:
    """Puts this attention under a Transformer of transformers. Mamba's blocks look for documents by themselves."""
    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)


def attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **others: Any,
) -> tuple[Tensor, None]:
    """batch x length x heads x head width, and no weights. As transformers calls it."""
    reset = starts()
    if reset is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, dropout=dropout, **others
        )
    batch, heads, length, _ = query.shape
    # Steps of all sequences one after the other, and zeros behind them for the places that no step stands in.
    steps = [F.pad(t.transpose(1, 2).flatten(0, 1), (0, 0, 0, 0, 0, 1)) for t in (query, key, value)]
    found, stood = [], []
    for places in similar_documents(reset.to(query.device)):
        own_query, own_key, own_value = (tensor[places].transpose(1, 2) for tensor in steps)
        # At the start of a row: a causal step sees nothing of the zeros behind it, and the fast kernels take no mask.
        output = F.scaled_dot_product_attention(
            own_query,
            own_key,
            own_value,
            dropout_p=dropout,
            is_causal=True,
            scale=scaling,
            enable_gqa=key.shape[1] != heads,
        )
        is_step = places < batch * length
        found.append(output.transpose(1, 2)[is_step])
        stood.append(places[is_step])
    packed = torch.cat(found)[torch.cat(stood).argsort()]
    return packed.view(batch, length, heads, -1), None


def similar_documents(reset: Tensor) -> list[Tensor]:
    """Groups of documents x longest, int64: where the steps of each document stand in the flattened sequences, and one
    past their last step behind its end. The longest of a group is at most a fifth longer than the shortest.

    Args:
        reset: batch x length, bool, true where a document starts.
    """
    is_first = reset.clone()
    is_first[:, :1] = True
    first, end = is_first.flatten().nonzero().flatten(), is_first.numel()
    sizes = torch.diff(first, append=first.new_tensor([end]))
    octaves = (STEPS_OF_AN_OCTAVE * sizes.log2()).floor()
    groups = []
    for octave in octaves.unique():
        start, size = first[octaves == octave, None], sizes[octaves == octave, None]
        step = torch.arange(int(size.max()), device=reset.device)
        groups.append(torch.where(step < size, start + step, end))
    return groups


def whole(device: torch.device) -> Tensor:
    """The attention mask to call a model with inside `packed`: transformers then makes none of its own."""
    return torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)
