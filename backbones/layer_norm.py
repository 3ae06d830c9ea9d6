"""The released Mamba-VL models' form of Mamba: LayerNorm where the pretrained weights are those of RMSNorm.

Their wrapper built its Mamba stack without `rms_norm`, `residual_in_fp32` and `fused_add_norm` and loaded the weights
all the same (reference-facts, 1.7), so that features are centred, biases are trained from 0, and the residual stream is
in the type of the parameters, which in their training was bf16. Here parameters are fp32, and so is the stream: what is
carried over is the norm. Their weights need this form; for new training it is an ablation.
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.models.mamba.modeling_mamba import MambaRMSNorm

from backbones.pairs import ModelError

EPS = 1e-5


def use_layer_norm(model: PreTrainedModel) -> None:
    """Changes the norms of a Mamba in place: the same weights, biases of 0, the residual in the type of the parameters.

    Raises:
        ModelError: the model has no such norms.
    """
    norms = [name for name, module in model.named_modules() if isinstance(module, MambaRMSNorm)]
    if not norms:
        raise ModelError(f"{model.config.model_type} has no RMSNorm to put a LayerNorm in the place of: choose Mamba.")
    for name in norms:
        parent, _, own = name.rpartition(".")
        module: Any = model.get_submodule(parent)
        setattr(module, own, _centred(getattr(module, own)))
    for module in model.modules():
        if hasattr(module, "residual_in_fp32"):
            module.residual_in_fp32 = False
    model.config.residual_in_fp32 = False


def _centred(norm: MambaRMSNorm) -> nn.LayerNorm:
    weight = norm.weight
    centred = nn.LayerNorm(weight.shape[0], eps=EPS, device=weight.device, dtype=weight.dtype)
    with torch.no_grad():
        centred.weight.copy_(weight)
    return centred
