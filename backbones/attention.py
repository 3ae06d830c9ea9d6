"""Attention that keeps packed documents apart, for Transformers: the counterpart of resets in Mamba's scan.

    query         batch x heads x length x head width
    key, value    the same, or of fewer heads, each of which serves several of the query's

Inside `backbones.scan.packed` each document becomes a row of its own and attention runs over the rows, so that no mask
of length x length is made, nothing is computed between documents, and nothing of one can reach another. Positions are
the caller's to restart. Outside, it is transformers' scaled dot product attention as it stands.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from backbones.scan.documents import Rows, starts

NAME = "documents"
"""Under which transformers knows this attention."""


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
    # At the start of a row: a causal step sees nothing of the zeros behind it, and the fast kernels take no mask.
    rows = Rows(reset.to(query.device), at_end=False)

    def unpack(tensor: Tensor) -> Tensor:
        flat = rows.unpack(tensor.transpose(2, 3).reshape(batch, -1, length))
        return flat.view(rows.count, tensor.shape[1], -1, rows.longest).transpose(2, 3)

    found = F.scaled_dot_product_attention(
        unpack(query),
        unpack(key),
        unpack(value),
        dropout_p=dropout,
        is_causal=True,
        scale=scaling,
        enable_gqa=key.shape[1] != heads,
    )
    packed = rows.pack(found.transpose(2, 3).reshape(rows.count, -1, rows.longest))
    return packed.view(batch, heads, -1, length).permute(0, 3, 1, 2), None


def whole(device: torch.device) -> Tensor:
    """The attention mask to call a model with inside `packed`: transformers then makes none of its own."""
    return torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)
