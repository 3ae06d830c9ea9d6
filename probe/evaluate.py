"""Accuracy for every target position on the held-out split, with its interval.

Counts are kept as integers, position by position, and summed over processes: a curve line holds
`asked[position]` and `correct[position]`, and everything else is computed from these.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from probe.task import RetrievalTask
from training.config import require

Z_95 = 1.959963984540054
"""Quantile 0.975 of the standard normal."""


@dataclass(frozen=True)
class Evaluation:
    """What a model did on the first n examples of the held-out split."""

    asked: list[int]
    """For each position, the examples that asked for it."""
    correct: list[int]
    """For each position, the examples in which the answer had the highest logit of the whole vocabulary."""
    loss: float
    """Mean cross entropy of the answer, in nats."""


def accuracy_of(record: Mapping[str, Any]) -> float:
    """Overall accuracy of an evaluation, from the counts `asked` and `correct` of its record."""
    return float(sum(record["correct"]) / sum(record["asked"]))


@torch.no_grad()
def evaluate(
    model: torch.nn.Module, task: RetrievalTask, examples: int, accelerator: Accelerator, batch: int = 256
) -> Evaluation:
    """Asks the model the first `examples` questions of the held-out split. Every process calls it, takes its part of
    them and gets the same result. The model must be in evaluation mode.

    Args:
        batch: examples that a process takes at once, at most; it changes nothing but speed and memory.
    """
    device = accelerator.device
    asked = torch.zeros(task.length, dtype=torch.int64, device=device)
    correct = torch.zeros_like(asked)
    loss = torch.zeros((), device=device)
    for indices in batches(examples, batch, accelerator):
        tokens, answers, positions = task.examples("held-out", indices, device)
        logits = last_logits(model, tokens, 1)[:, -1]
        hits = logits.argmax(dim=-1) == answers
        asked.index_add_(0, positions, torch.ones_like(positions))
        correct.index_add_(0, positions, hits.long())
        loss += F.cross_entropy(logits, answers, reduction="sum")
    asked, correct, loss = (accelerator.reduce(total, "sum") for total in (asked, correct, loss))
    return Evaluation(asked.tolist(), correct.tolist(), loss.item() / examples)


def batches(total: int, batch: int, accelerator: Accelerator) -> Iterator[Tensor]:
    """The indices below `total` that are this process's part, about so many at a time, on its device. Every process
    gets as many batches: those that share one model out among them meet at each of its layers.

    Raises:
        ConfigError: there are more processes than indices.
    """
    processes = accelerator.num_processes
    least, most = total // processes, -(-total // processes)
    require(least > 0, f"{total} held-out examples cannot be divided among {processes} processes: ask for more.")
    rank = accelerator.process_index
    start, stop = total * rank // processes, total * (rank + 1) // processes
    # None of them is empty, which models do not take.
    yield from torch.arange(start, stop, device=accelerator.device).tensor_split(min(-(-most // batch), least))


def last_logits(model: torch.nn.Module, tokens: Tensor, positions: int) -> Tensor:
    """n x positions x vocabulary, float32: the logits of the last positions alone. The head is the largest matrix of
    a pretrained model, and all that is asked of it here is one row an example."""
    logits: Any = model(input_ids=tokens, logits_to_keep=positions, use_cache=False).logits
    return logits[:, -positions:].float()  # type: ignore[no-any-return]


def wilson(correct: ArrayLike, asked: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % intervals of shares (Wilson, 1927): lower and upper ends, in the shape of the inputs. Unlike the normal
    approximation they stay within 0 and 1 and mean something at 0 correct; nothing asked gives 0 to 1."""
    k, n = np.asarray(correct, dtype=np.float64), np.asarray(asked, dtype=np.float64)
    share = np.divide(k, n, out=np.full_like(n, 0.5), where=n > 0)
    spread = Z_95**2 / np.maximum(n, 1)
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * np.sqrt(share * (1 - share) / np.maximum(n, 1) + spread / (4 * np.maximum(n, 1)))
    return np.where(n > 0, np.maximum(centre - half, 0), 0.0), np.where(n > 0, np.minimum(centre + half, 1), 1.0)
