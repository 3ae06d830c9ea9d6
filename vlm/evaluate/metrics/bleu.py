"""BLEU of one to four words (Papineni et al., 2002) of captions, as pycocoevalcap computes it.

BLEU is a function of sums over the whole benchmark. The sums of a caption are the tool's own, and so is the formula,
here for arrays. A caption that is shorter than its references is held against the one that is closest in length, the
shorter of two. Captions and references without words are captions of length 0, as they are to the tool.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from vlm.evaluate.metrics.metric import Measure, Numbers, Reading, Truths
from vlm.evaluate.metrics.wording import Worded, worded

GRAM = 4
"""Longest runs of words that are counted."""
NO_MATCH, NO_GUESS = 1e-15, 1e-9
"""What the tool adds to numerators and denominators, so that nothing is divided by 0."""


@lru_cache(maxsize=2)
def statistics(both: Worded) -> Numbers:
    """Of n captions: runs of 1 to 4 words that are right, runs that were said, words, and words of the reference that
    is closest in length. n x 10; kept, as all four measures ask for it."""
    from pycocoevalcap.bleu.bleu_scorer import cook_refs, cook_test

    # One caption after the other: the counts of all references of a benchmark would take gigabytes.
    cooked = (
        cook_test(caption, cook_refs(some, n=GRAM), eff="closest", n=GRAM) for caption, some in zip(*both, strict=True)
    )
    rows = [[*one["correct"], *one["guess"], one["testlen"], one["reflen"]] for one in cooked]
    found = np.array(rows, dtype=np.float64).reshape(-1, 2 * GRAM + 2)
    found.flags.writeable = False
    return found


def bleu(sums: Numbers, gram: int) -> Numbers:
    """BLEU of runs of up to `gram` words. ... x 10, sums of `statistics` -> ..."""
    correct, guessed = sums[..., :gram], sums[..., GRAM : GRAM + gram]
    precision = np.prod((correct + NO_MATCH) / (guessed + NO_GUESS), axis=-1) ** (1 / gram)
    said, closest = sums[..., -2], sums[..., -1]
    shortfall = np.minimum(1 - (closest + NO_GUESS) / (said + NO_MATCH), 0)
    return np.asarray(precision * np.exp(shortfall))


def _measure(gram: int) -> Measure:
    def parts(readings: Sequence[Reading], truths: Truths) -> Numbers:
        return statistics(worded(readings, truths))

    return Measure(name=f"BLEU-{gram}", parts=parts, of=lambda sums: bleu(sums, gram))


BLEU = tuple(_measure(gram) for gram in range(1, GRAM + 1))
