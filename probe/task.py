"""Synthetic in-context multimodal retrieval: the task of section 5.3.2 and appendix C.4.

A context of `length` distinct special tokens, and a query that names one of them. The answer is the vocabulary
token that stands for the position at which the queried token stood:

    suffix   s7 s2 s9 s4 ... <out> s9   ->  the token for position 2
    prefix   <out> s9 s7 s2 s9 s4 ...   ->  the token for position 2, at the last position again

Ids, with V the rows of the vocabulary that the special tokens are added behind:

    0, 1                      free (end of text and padding in the vocabularies of both families)
    2 .. length + 1           answers: position + 2, rows that a pretrained model already has
    V .. V + pool - 1         special tokens
    V + pool                  <out>

Three properties hold by construction, and `tests/probe/test_task.py` checks them against a second implementation:

*   Pure. Example i of a split is a function of (task, split, i) alone: integer arithmetic on counters, no generator
    and no state, so that it is bit-identical on every device, for every batch size and world size.
*   Balanced. In examples k * length to (k + 1) * length - 1 each position is asked exactly once, in an order that the
    block draws for itself.
*   Disjoint. Every context belongs either to training or to the two other splits. See `_send_to_split`. Validation and
    held-out draw from their half of all contexts one without the other: from length 12 on they hardly ever meet.

The order is not part of what is drawn: suffix and prefix ask the same questions about the same contexts.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from probe.counters import draw, key_of, mix
from training.config import conform, require, require_choice

Order = Literal["suffix", "prefix"]
Split = Literal["train", "validation", "held-out"]

SHORTEST, LONGEST = 4, 10_000
LARGEST_POOL = 100_000
FREE_IDS = 2
"""Ids 0 and 1 are end of text and padding: the answer to position p is id p + 2, as in the paper's code."""


class Examples(NamedTuple):
    """A batch of n examples, all int64 and on one device."""

    tokens: Tensor
    """n x (length + 2): ids of the vocabulary."""
    answers: Tensor
    """n: the id to predict at the last position."""
    positions: Tensor
    """n: 0-based position of the target in the context; answers - 2."""


@dataclass(frozen=True)
class RetrievalTask:
    """The task at one length and in one order.

    Args:
        length: special tokens in the context, 4 to 10,000.
        order: "suffix" (query after the context) or "prefix" (query before it).
        pool: special tokens that exist; None for exactly `length`, which makes a context a permutation of all of them.
        seed: another seed is another data set.
        base_vocabulary: rows of the vocabulary that the special tokens are added behind. None for the smallest that
            holds the answers, which is what a model trained from scratch gets.

    Raises:
        ConfigError: a value is impossible.
    """

    length: int
    order: Order
    pool: int | None = None
    seed: int = 0
    base_vocabulary: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        conform(self)
        require(
            SHORTEST <= self.length <= LONGEST,
            f"length must lie between {SHORTEST} and {LONGEST:,}, not {self.length}.",
        )
        require(
            self.length <= self.pool_size <= LARGEST_POOL,
            f"a pool of {self.pool_size} special tokens cannot give {self.length} distinct ones: "
            f"choose a pool from {self.length} to {LARGEST_POOL:,}, or a shorter length.",
        )
        require(
            self.first_special >= self.length + FREE_IDS,
            f"a vocabulary of {self.first_special} tokens has no answer for each of {self.length} positions: "
            f"choose a length of at most {self.first_special - FREE_IDS}.",
        )

    @property
    def pool_size(self) -> int:
        """Special tokens that exist."""
        return self.length if self.pool is None else self.pool

    @property
    def first_special(self) -> int:
        """Id of the first special token: the rows of the vocabulary before it."""
        return self.length + FREE_IDS if self.base_vocabulary is None else self.base_vocabulary

    @property
    def out_token(self) -> int:
        """Id of `<out>`, which stands before the query."""
        return self.first_special + self.pool_size

    @property
    def added_tokens(self) -> int:
        """Rows that the embedding is enlarged by: the pool and `<out>`."""
        return self.pool_size + 1

    def examples(self, split: Split, indices: Tensor, device: torch.device | str = "cpu") -> Examples:
        """Makes the examples with these indices, on `device`, without a wait for it.

        Args:
            split: "train", "validation" (to choose by) or "held-out" (to report).
            indices: n non-negative int64, in any order, repeats allowed.
        """
        require_choice("split", split, get_args(Split))
        indices = indices.to(device=device, dtype=torch.int64)
        positions = self._positions(split, indices)
        context = self._send_to_split(split, self._contexts(split, indices)) + self.first_special
        query = context.gather(1, positions[:, None])
        out = torch.full_like(query, self.out_token)
        parts = (context, out, query) if self.order == "suffix" else (out, query, context)
        return Examples(torch.cat(parts, dim=1), positions + FREE_IDS, positions)

    def token_name(self, token: int) -> str:
        """The token as the paper writes it: `<s14>`, `<out>`, and `<p3>` for the answer to position 3."""
        if token == self.out_token:
            return "<out>"
        if self.first_special <= token < self.out_token:
            return f"<s{token - self.first_special}>"
        if FREE_IDS <= token < FREE_IDS + self.length:
            return f"<p{token - FREE_IDS}>"
        return "<end>" if token == 0 else f"<{token}>"

    def _positions(self, split: Split, indices: Tensor) -> Tensor:
        """n: the position that each example asks for.

        The block of an index draws a number for each of its `length` offsets; the position is the rank of the index's
        own number. Ranks in a block are a permutation, and counting needs neither a sort nor the rest of the block.
        """
        block, offset = indices // self.length, indices % self.length
        drawn = draw(self._key("positions", split), block, self.length)
        own = drawn.gather(1, offset[:, None])
        lanes = torch.arange(self.length, device=indices.device)
        before = (drawn < own) | ((drawn == own) & (lanes < offset[:, None]))
        return before.sum(dim=1)

    def _contexts(self, split: Split, indices: Tensor) -> Tensor:
        """n x length: distinct tokens of the pool, every arrangement equally likely."""
        drawn = draw(self._key("contexts", split), indices, self.pool_size)
        return drawn.argsort(dim=1, stable=True)[:, : self.length]

    def _send_to_split(self, split: Split, context: Tensor) -> Tensor:
        """n x length: each context, or the one beside it where it belongs to the other half.

        Eight contexts make a group: those that differ only by swapping the first two tokens, the next two, or the
        two pairs. In each group four belong to train and four to held-out. Of two that differ by one swap each split
        has one, and a keyed hash of the rest says which. So

        *   no context is in both, whatever the length and the seed;
        *   a context drawn uniformly and, if need be, moved by one swap is uniform over its split;
        *   both splits have exactly half of the contexts, exactly half of those with token t at position p for every t
            and p, and exactly half of the even permutations: a simpler rule (parity, say) would itself be a
            structure that one side has and the other lacks.
        """
        a, b, c, d = context[:, :4].unbind(dim=1)
        first, second = torch.minimum(a, b), torch.minimum(c, d)
        swaps = (a > b) ^ (c > d) ^ (first > second)
        pairs = [first, torch.maximum(a, b), second, torch.maximum(c, d)]
        # The same four tokens for all eight: the smaller of a pair first, the pair with the smallest of all first.
        ordered = torch.stack(
            [torch.where(first < second, pairs[k], pairs[(k + 2) % 4]) for k in range(4)],
            dim=1,
        )
        canonical = torch.cat([ordered, context[:, 4:]], dim=1)
        positions = torch.arange(self.length, device=context.device) * self.pool_size
        hashed = mix(mix(canonical + positions + self._key("split", "")).sum(dim=1))
        held_out = swaps ^ (hashed & 1).bool()
        wrong = held_out != (split != "train")
        swapped = torch.cat([b[:, None], a[:, None], context[:, 2:]], dim=1)
        return torch.where(wrong[:, None], swapped, context)

    def _key(self, purpose: str, split: str) -> int:
        """A signed 64-bit number for one use of randomness; the same for both orders and every vocabulary."""
        return key_of(f"retrieval/{self.length}/{self.pool_size}/{self.seed}/{split}/{purpose}")
