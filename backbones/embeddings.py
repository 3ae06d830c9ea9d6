"""Enlarging a model's vocabulary: old rows keep their bits, new rows come from a seed of their own."""

import torch
from torch import Tensor
from transformers import PreTrainedModel

from backbones.initialise import EMBEDDING_STD
from backbones.pairs import NewRows


@torch.no_grad()
def enlarge(model: PreTrainedModel, rows: int, seed: int, new_rows: NewRows = "matched") -> int:
    """Adds rows to the embedding and, where it is not tied, to the output matrix.

    Args:
        rows: tokens to add.
        seed: the new rows are a function of it and of the old rows alone; the global generator is left alone.

    Returns:
        The id of the first new token: the rows there were.
    """
    old_rows = int(model.get_input_embeddings().weight.shape[0])
    with torch.random.fork_rng(devices=[]):
        model.resize_token_embeddings(old_rows + rows, mean_resizing=False)
    generator = torch.Generator().manual_seed(seed)
    weights = [model.get_input_embeddings().weight]
    output = model.get_output_embeddings()
    if output is not None and output.weight is not weights[0]:
        weights.append(output.weight)
    for weight in weights:
        drawn = torch.randn(rows, weight.shape[1], generator=generator)
        weight[old_rows:] = _scaled(drawn, weight[:old_rows], new_rows).to(weight)
    return old_rows


def _scaled(drawn: Tensor, old: Tensor, new_rows: NewRows) -> Tensor:
    """rows x width: standard normal numbers, scaled as `new_rows` says."""
    if new_rows == "normal":
        return drawn * EMBEDDING_STD
    old = old.float().cpu()
    return old.mean(dim=0) + drawn * old.std(dim=0)
