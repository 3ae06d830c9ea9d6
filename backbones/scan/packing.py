"""Where documents start in the sequences that a model is called with: transformers' Mamba has no argument for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch.nn.functional as F
from torch import Tensor

_documents: Tensor | None = None
"""Not a context variable: torch recomputes checkpointed blocks on threads of its own, and they have to see it too."""


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


def is_packed() -> bool:
    """Whether this is inside `packed`."""
    return _documents is not None


def documents_of(hidden_states: Tensor) -> Tensor | None:
    """batch x length, bool: where documents start in hidden_states (batch x channels x length), if they are packed."""
    if _documents is None:
        return None
    batch, _, length = hidden_states.shape
    # A cache hands a sequence that is shorter than the convolution on with zeros before it.
    lacking = length - _documents.shape[1]
    if _documents.shape[0] != batch or lacking < 0:
        shape = " x ".join(map(str, _documents.shape))
        raise ValueError(f"packed was told of {shape} steps, and the model was called with {batch} x {length}.")
    return F.pad(_documents, (lacking, 0)).to(hidden_states.device)
