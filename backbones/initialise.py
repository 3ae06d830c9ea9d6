"""First weights of models trained from scratch, as their families publish them.

transformers starts every matrix of either family from one normal distribution (std 0.1 for Mamba, 0.02 for GPT-NeoX).
Neither paper does, and conclusions have changed with it, so both schemes are written out here:

    Pythia   small init, N(0, 2 / (5 d)), and for what writes to the residual stream of n layers N(0, 4 / (n^2 d)),
             biases 0 (the released configs' `small_init` and `wang_init`; Nguyen and Salazar, 2019; Wang and
             Komatsuzaki, 2021).
    Mamba    PyTorch's uniform for linear and convolution weights and the convolution's bias, out_proj divided by
             sqrt(n); A = -(1 .. N) and D = 1; the step's bias such that softplus gives 0.001 to 0.1 log-uniformly,
             its weight uniform within rank^-1/2 (`mamba_ssm/models/mixer_seq_simple.py`, `modules/mamba_simple.py`).

The embedding starts at N(0, 0.02) in both, whatever else the scheme says: a difference in its scale would be a
difference between the families that neither stands for.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from transformers import GPTNeoXForCausalLM, MambaForCausalLM
from transformers.models.mamba.modeling_mamba import MambaMixer

EMBEDDING_STD = 0.02


@torch.no_grad()
def initialise(model: GPTNeoXForCausalLM | MambaForCausalLM) -> None:
    """Draws all weights anew from torch's global generator."""
    if isinstance(model, MambaForCausalLM):
        _initialise_mamba(model)
    else:
        _initialise_pythia(model)
    # Twice the same matrix where the two are tied: the second draw is as good as the first.
    for module in (model.get_input_embeddings(), model.get_output_embeddings()):
        nn.init.normal_(cast(Tensor, module.weight), std=EMBEDDING_STD)


def _initialise_pythia(model: GPTNeoXForCausalLM) -> None:
    width, layers = model.config.hidden_size, model.config.num_hidden_layers
    for name, module in model.gpt_neox.named_modules():
        if isinstance(module, nn.LayerNorm):
            module.reset_parameters()
        elif isinstance(module, nn.Linear):
            to_residual = name.endswith(("attention.dense", "mlp.dense_4h_to_h"))
            std = 2 / (layers * math.sqrt(width)) if to_residual else math.sqrt(2 / (5 * width))
            nn.init.normal_(module.weight, std=std)
            nn.init.zeros_(module.bias)


def _initialise_mamba(model: MambaForCausalLM) -> None:
    for mixer in model.modules():
        if not isinstance(mixer, MambaMixer):
            continue
        # A, D and the step's projection: here transformers follows the published scheme.
        mixer.init_mamba_weights()
        for module in (mixer.conv1d, mixer.in_proj, mixer.x_proj, mixer.out_proj):
            module.reset_parameters()
        for linear in (mixer.in_proj, mixer.x_proj, mixer.out_proj):
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)
        mixer.out_proj.weight /= math.sqrt(model.config.num_hidden_layers)
