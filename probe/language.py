"""A synthetic language to pretrain on: sequences that repeat a random segment of themselves until they end.

    k f a d k f a d k f a d k f        a segment of 4 tokens in a sequence of 14

What can be predicted has to be found in the context: the token that followed when the present one stood there before.
It is the simplest language in which in-context retrieval pays, and what it teaches is the induction of Olsson et al.
(2022), with which a model comes to the probe as the paper's pretrained models do.

    sequences   n x length, ids of the vocabulary
    predictable n x length, bool: from the second token of the first repeat on, where the rest is settled

Sequence i of a split is a function of (language, split, i) alone, as in `probe.task`.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from probe.counters import below, draw, key_of
from probe.task import FREE_IDS
from training.config import conform, require, require_choice

Split = Literal["train", "held-out"]

LONGEST_SEQUENCE = 16_384


class Sequences(NamedTuple):
    """A batch of n sequences on one device."""

    tokens: Tensor
    """n x length, int64."""
    predictable: Tensor
    """n x length, bool."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """Repeated segments.

    Args:
        length: tokens of a sequence.
        alphabet: tokens there are, all equally likely in a segment; repeats within it are allowed.
        shortest, longest: bounds of the length of a segment, which is drawn for each sequence.
        seed: another seed is another data set.

    Raises:
        ConfigError: a value is impossible.
    """

    length: int = 48
    alphabet: int = 128
    shortest: int = 6
    longest: int = 19
    seed: int = 0

    def __post_init__(self) -> None:
        conform(self)
        require(self.alphabet >= 2, f"an alphabet has at least 2 tokens, not {self.alphabet}.")
        require(
            1 <= self.shortest <= self.longest,
            f"segments of {self.shortest} to {self.longest} tokens cannot be: the shortest has at least 1, "
            "and no more than the longest.",
        )
        require(
            self.longest + 2 <= self.length <= LONGEST_SEQUENCE,
            f"a sequence of {self.length} tokens must hold the longest segment and two tokens of its repeat: "
            f"choose a length from {self.longest + 2} to {LONGEST_SEQUENCE:,}.",
        )

    @property
    def vocabulary(self) -> int:
        """Rows that a model of this language needs: the alphabet stands behind the free ids."""
        return FREE_IDS + self.alphabet

    def sequences(self, split: Split, indices: Tensor, device: torch.device | str = "cpu") -> Sequences:
        """The sequences with these indices, made on `device`.

        Two splits draw from keys of their own; that a segment of one comes up in the other is as unlikely as among
        `alphabet` to the power of `shortest`.
        """
        require_choice("split", split, get_args(Split))
        indices = indices.to(device=device, dtype=torch.int64)
        key = key_of(f"language/{self.length}/{self.alphabet}/{self.shortest}/{self.longest}/{self.seed}/{split}")
        drawn = draw(key, indices, self.longest + 1)
        size = self.shortest + below(self.longest - self.shortest + 1, drawn[:, :1])
        segment = FREE_IDS + below(self.alphabet, drawn[:, 1:])
        steps = torch.arange(self.length, device=indices.device)
        return Sequences(segment.gather(1, steps % size), steps > size)
