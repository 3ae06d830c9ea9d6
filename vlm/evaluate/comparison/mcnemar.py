"""McNemar's test: of the questions that one of two models alone answers right, is it the same one too often?

Questions that both answer right, or neither, say nothing of the two. Of the others, were the models equally good, each
would be as likely to go to one as to the other: their number is binomial with one half. The exact test (McNemar, 1947)
sums the probabilities of what is at least as uneven, on both sides. It is conservative where there are few; the mid-p
value, which counts half the probability of what was found, is less so (Fagerland, Lydersen and Laake, 2013).

It is for scores that are 0 or 1: an answer that is right by a third, as of VQA accuracy, or a CIDEr goes to neither
side. And it takes questions for independent: where several are about one picture, p is too small, and the one of
`randomisation` is to be preferred.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True, kw_only=True)
class Discordant:
    """How many questions one of two models alone answered right."""

    first: int
    second: int

    def __add__(self, other: "Discordant") -> "Discordant":
        return Discordant(first=self.first + other.first, second=self.second + other.second)

    @property
    def exact(self) -> float:
        """Two-sided p value of the exact test; 1 where there are none."""
        return min(1.0, 2 * self._at_most)

    @property
    def mid(self) -> float:
        """Two-sided mid-p value; 1 where there are none."""
        fewer, number = min(self.first, self.second), self.first + self.second
        return min(1.0, 2 * self._at_most - float(stats.binom.pmf(fewer, number, 0.5)))

    @property
    def _at_most(self) -> float:
        """Probability that the fewer are so few, or fewer, on the side they are on."""
        return float(stats.binom.cdf(min(self.first, self.second), self.first + self.second, 0.5))


def discordant(first: ArrayLike, second: ArrayLike) -> Discordant:
    """Counts of two models' scores.

    Args:
        first, second: n; 0 or 1 for the same n questions, in the same order.
    """
    own, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return Discordant(first=int((own > other).sum()), second=int((other > own).sum()))


def is_binary(scores: ArrayLike) -> bool:
    """Whether each score is 0 or 1."""
    return bool(np.isin(np.asarray(scores), (0.0, 1.0)).all())
