"""Documents packed into one sequence: told to a model with `packed`, and unpacked into rows for code without resets.

    packed    batch x ... x length, with `reset` (batch x length, bool) true where a document starts
    rows      documents x ... x longest, each document at the end of its row, zeros before it

With u = 0 and B = 0 the state stays exactly zero up to the first step of the document, so the kernel computes what it
would compute for the document alone, and what stands at the end of a row is the state after its last step. Rows cost
memory where documents differ much in length; nothing of one document can reach another.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor

_documents: Tensor | None = None
"""Where documents start in the sequences that a model is called with: transformers' Mamba has no argument for it. Not
a context variable: torch recomputes checkpointed blocks on threads of its own, and they have to see it too."""


@contextmanager
def packed(reset: Tensor) -> Iterator[None]:
    """Inside, every mounted Mamba keeps documents apart: `reset` (batch x length, bool) is true where one starts.

    With gradient checkpointing the backward pass runs the blocks again: it belongs inside as well, or `recomputed` to
    the checkpoint.
    """
    global _documents
    before, _documents = _documents, reset
    try:
        yield
    finally:
        _documents = before


def starts() -> Tensor | None:
    """batch x length, bool: where documents start, if this is inside `packed`."""
    return _documents


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


def recomputed() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """What gradient checkpointing has around a block, and around the block when it runs again: the documents of now.
    For the `context_fn` of `torch.utils.checkpoint`; the backward pass then need not be inside `packed`."""
    return nullcontext(), nullcontext() if _documents is None else packed(_documents)


def each_document(function: Callable[..., Tensor], tensors: Sequence[Tensor], reset: Tensor) -> Tensor:
    """function(*tensors) for each document alone, and the results packed again. Tensors: batch x any x length."""
    rows = Rows(reset)
    return rows.pack(function(*(rows.unpack(tensor) for tensor in tensors)))


class Rows:
    """Where each step of each document stands, in the packed sequences and in its row."""

    def __init__(self, reset: Tensor) -> None:
        batch, self.length = reset.shape
        starts = reset.clone()
        starts[:, :1] = True
        # Packed sequences one after the other: steps of the same document have the same number.
        document = starts.flatten().cumsum(0) - 1
        sizes = torch.bincount(document)
        self.longest = int(sizes.max()) if sizes.numel() else 0
        first = sizes.cumsum(0) - sizes
        steps = torch.arange(batch * self.length, device=reset.device)
        place = steps - first[document] + self.longest - sizes[document]
        self.count = sizes.shape[0]
        self._place = document * self.longest + place
        """For each packed step, where it stands in the rows, both flattened."""
        self._step = torch.full((self.count * self.longest,), batch * self.length, device=reset.device)
        self._step[self._place] = steps
        """For each place in the rows, the packed step that stands there; one past the last where none does."""
        self.last = document.view(batch, self.length)[:, -1]
        """batch: the row of the last document of each sequence."""

    def unpack(self, tensor: Tensor) -> Tensor:
        """batch x any x length to documents x any x longest."""
        steps = torch.cat([tensor.transpose(1, 2).flatten(0, 1), tensor.new_zeros(1, tensor.shape[1])])
        return steps[self._step].view(self.count, self.longest, -1).transpose(1, 2)

    def pack(self, tensor: Tensor) -> Tensor:
        """The reverse of `unpack`."""
        steps = tensor.transpose(1, 2).flatten(0, 1)[self._place]
        return steps.view(-1, self.length, tensor.shape[1]).transpose(1, 2)
