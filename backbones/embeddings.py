"""Enlarging a model's vocabulary: old rows keep their bits, new rows come from a seed of their own."""

from typing import cast

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
    old_rows = len(vocabulary_matrices(model)[0])
    with torch.random.fork_rng(devices=[]):
        model.resize_token_embeddings(old_rows + rows, mean_resizing=False)
    generator = torch.Generator().manual_seed(seed)
    embedding, output = vocabulary_matrices(model)
    for weight in (embedding,) if output is embedding else (embedding, output):
        drawn = torch.randn(rows, weight.shape[1], generator=generator)
        weight[old_rows:] = _scaled(drawn, weight[:old_rows], new_rows).to(weight)
    return old_rows


def vocabulary_matrices(model: PreTrainedModel) -> tuple[Tensor, Tensor]:
    """The embedding and the output matrix, both rows x width; one and the same object where they are tied."""
    return cast(Tensor, model.get_input_embeddings().weight), cast(Tensor, model.get_output_embeddings().weight)


def _scaled(drawn: Tensor, old: Tensor, new_rows: NewRows) -> Tensor:
    """rows x width: standard normal numbers, scaled as `new_rows` says."""
    if new_rows == "normal":
        return drawn * EMBEDDING_STD
    old = old.float().cpu()
    return old.mean(dim=0) + drawn * old.std(dim=0)
