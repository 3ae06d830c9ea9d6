"""Accuracy for every target position.

Counts are kept as integers, position by position, and summed over processes: a curve line holds
`asked[position]` and `correct[position]`, and everything else is computed from these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import functional as F

from probe.intervals import wilson
from probe.task import RetrievalTask, Split
from training.parts import batches


@dataclass(frozen=True)
class Evaluation:
    """What a model did on some examples of a split."""

    asked: list[int]
    """For each position, the examples that asked for it."""
    correct: list[int]
    """For each position, the examples in which the answer had the highest logit of the whole vocabulary."""
    loss_sum: float
    """Cross entropy of the answer, in nats, summed over the examples."""

    @property
    def total(self) -> int:
        """Examples, over all positions."""
        return sum(self.asked)

    def __add__(self, other: "Evaluation") -> "Evaluation":
        """What it did on the examples of both."""
        return Evaluation(
            [one + two for one, two in zip(self.asked, other.asked, strict=True)],
            [one + two for one, two in zip(self.correct, other.correct, strict=True)],
            self.loss_sum + other.loss_sum,
        )


def accuracy_of(record: Mapping[str, Any]) -> float:
    """Overall accuracy of an evaluation, from the counts `asked` and `correct` of its record."""
    return float(sum(record["correct"]) / sum(record["asked"]))


@torch.no_grad()
def evaluate(
    model: torch.nn.Module, task: RetrievalTask, asked: range, accelerator: Accelerator, batch: int, split: Split
) -> Evaluation:
    """Asks the model the questions of a split with these numbers. Every process calls it, takes its part of them and
    gets the same result. The model must be in evaluation mode.

    Args:
        batch: examples that a process takes at once, at most; it changes nothing but speed and memory.
    """
    device = accelerator.device
    totals = torch.zeros(2, task.length, dtype=torch.int64, device=device)
    loss = torch.zeros((), device=device)
    for indices in batches(asked, batch, accelerator):
        tokens, answers, positions = task.examples(split, indices, device)
        logits = last_logits(model, tokens, 1)[:, -1]
        hits = logits.argmax(dim=-1) == answers
        totals[0].index_add_(0, positions, torch.ones_like(positions))
        totals[1].index_add_(0, positions, hits.long())
        loss += F.cross_entropy(logits, answers, reduction="sum")
    totals, loss = (accelerator.reduce(total, "sum") for total in (totals, loss))
    return Evaluation(totals[0].tolist(), totals[1].tolist(), loss.item())


def evaluate_near(
    threshold: float, first: int, whole: int, ask: Callable[[range], Evaluation], decide: bool = True
) -> Evaluation:
    """Asks as many questions as it takes to know on which side of the threshold a model is: the first ones, which are
    enough far from it; twice as many as long as the 95 % interval of the accuracy reaches up to it; and all of them
    before it is said to be passed. So a model that has not passed it costs little, and one that has was asked
    everything.

    Args:
        first, whole: how many questions are asked at least, and how many there are.
        ask: `evaluate` for the questions with these numbers.
        decide: False for the first ones alone.
    """
    result = ask(range(first))
    while decide and result.total < whole:
        if wilson(sum(result.correct), result.total)[1] < threshold:
            break
        # No small rest is left, of which some process would have nothing to ask.
        result += ask(range(result.total, 2 * result.total if whole >= 3 * result.total else whole))
    return result


def last_logits(model: torch.nn.Module, tokens: Tensor, positions: int) -> Tensor:
    """n x positions x vocabulary, float32: the logits of the last positions alone. The head is the largest matrix of
    a pretrained model, and all that is asked of it here is one row an example."""
    logits: Any = model(input_ids=tokens, logits_to_keep=positions, use_cache=False).logits
    return logits[:, -positions:].float()  # type: ignore[no-any-return]
