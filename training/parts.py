"""How questions are divided among processes."""

from collections.abc import Iterator

import torch
from accelerate import Accelerator
from torch import Tensor

from training.config import require


def batches(asked: range, batch: int, accelerator: Accelerator) -> Iterator[Tensor]:
    """The indices of a range that are this process's part, about so many at a time, on its device. Every process gets
    as many batches: those that share one model out among them meet at each of its layers.

    Raises:
        ConfigError: there are more processes than indices.
    """
    total, processes, rank = len(asked), accelerator.num_processes, accelerator.process_index
    least, most = total // processes, -(-total // processes)
    require(least > 0, f"{total} examples cannot be divided among {processes} processes: ask for more.")
    start, stop = (asked.start + total * part // processes for part in (rank, rank + 1))
    # None of them is empty, which models do not take.
    yield from torch.arange(start, stop, device=accelerator.device).tensor_split(min(-(-most // batch), least))
