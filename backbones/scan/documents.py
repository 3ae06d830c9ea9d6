"""Documents packed into one sequence, unpacked into rows of a batch: resets for code that knows none.

    packed    batch x ... x length, with `reset` (batch x length, bool) true where a document starts
    rows      documents x ... x longest, each document at the end of its row, zeros before it

With u = 0 and B = 0 the state stays exactly zero up to the first step of the document, so the kernel computes what it
would compute for the document alone, and what stands at the end of a row is the state after its last step. Rows cost
memory where documents differ much in length; nothing of one document can reach another.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


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
