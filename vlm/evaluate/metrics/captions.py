"""CIDEr (Vedantam et al., 2015) of captions, by pycocoevalcap, the one caption that has the highest, and what else that
tool reports of captions.

Scores are what the official tool gives: 1.0 is what papers print as 100. Document frequencies are those of the
references that are given, so a score says something only over a whole benchmark: over a part of it, it is another
measure, and of a single picture it is 0. Intervals take the frequencies as they are and vary the pictures.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vlm.evaluate.metrics.bleu import BLEU
from vlm.evaluate.metrics.meteor import METEOR
from vlm.evaluate.metrics.metric import Metric
from vlm.evaluate.metrics.rouge import ROUGE
from vlm.evaluate.metrics.spice import SPICE
from vlm.evaluate.metrics.wording import worded, words

GRAM = 4
"""CIDEr compares runs of one to so many words,"""
SPREAD = 6.0
"""and a caption loses by its difference in length, on a normal curve of this standard deviation, in words."""


def cider(captions: Sequence[str | None], references: Sequence[Sequence[str | None]]) -> NDArray[np.float64]:
    """CIDEr of each caption against the references of its picture. Their mean is the score of the benchmark.
    What could not be read (None) says nothing; where no reference has a word, nothing scores."""
    from pycocoevalcap.cider.cider_scorer import CiderScorer

    both = worded(captions, references)
    if not any(reference for some in both[1] for reference in some):
        # The tool cannot count words where there are none.
        return np.zeros(len(captions))
    scorer = CiderScorer(n=GRAM, sigma=SPREAD)
    for caption, some in zip(*both, strict=True):
        scorer += (caption, some)
    return np.asarray(scorer.compute_score()[1], dtype=np.float64)


def best_caption(references: Sequence[Sequence[str]]) -> str:
    """The reference that has the highest mean CIDEr when it is said of every picture; the first of several.

    The tool would take a second for each candidate. Here each run of words knows the references that hold it, so that a
    candidate is compared with those alone.
    """
    from pycocoevalcap.cider.cider_scorer import precook

    picture = [number for number, some in enumerate(references) for _ in some]
    counted = [precook(words(reference), GRAM) for some in references for reference in some]
    seen_in: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for number, counts in zip(picture, counted, strict=True):
        for gram in counts:
            seen_in[gram].add(number)
    weight = {gram: np.log(len(references) / len(pictures)) for gram, pictures in seen_in.items()}
    holders: dict[tuple[str, ...], list[tuple[int, float]]] = defaultdict(list)
    norms, lengths = np.zeros((GRAM, len(counted))), np.zeros(len(counted))
    for row, counts in enumerate(counted):
        for gram, count in counts.items():
            holders[gram].append((row, count * weight[gram]))
            norms[len(gram) - 1, row] += (count * weight[gram]) ** 2
            # The tool counts pairs of words as the length.
            lengths[row] += count * (len(gram) == 2)
    norms = np.sqrt(norms)
    index = {gram: (np.array([r for r, _ in some]), np.array([v for _, v in some])) for gram, some in holders.items()}
    share = 1 / np.bincount(picture)[picture]

    def mean_score(row: int) -> float:
        alike = np.zeros_like(norms)
        for gram, count in counted[row].items():
            rows, values = index[gram]
            alike[len(gram) - 1, rows] += np.minimum(count * weight[gram], values) * values
        both = norms * norms[:, row, None]
        alike = np.divide(alike, both, out=alike, where=both > 0).mean(axis=0)
        return float((alike * np.exp(-((lengths - lengths[row]) ** 2) / (2 * SPREAD**2)) * share).sum())

    flat = [reference for some in references for reference in some]
    distinct = {words(reference): row for row, reference in reversed(list(enumerate(flat)))}
    return flat[max(sorted(distinct.values()), key=mean_score)]


FURTHER = (*BLEU, METEOR, ROUGE, SPICE)
"""Measures of captions beside CIDEr, in the order of the tool."""

CIDER = Metric(
    name="CIDEr",
    scores=lambda readings, truths: cider(readings, truths).tolist(),
    best_constant=best_caption,
    further=FURTHER,
)
