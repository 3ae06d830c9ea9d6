"""CIDEr (Vedantam et al., 2015) of captions, by pycocoevalcap, the one caption that has the highest, and what else that
tool reports of captions.

Scores are what the official tool gives: 1.0 is what papers print as 100. Document frequencies are those of the
references that are given, so a score says something only over a whole benchmark: over a part of it, it is another
measure, and of a single picture it is 0. Intervals take the frequencies as they are and vary the pictures.
"""

from array import array
from collections import Counter
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

    The tool would take a second for each candidate, and there are thousands. But what two captions share of a run of
    words, the lesser of two counts, is a sum: of 1 for each number that both counts reach. And all else that ties a
    reference to a candidate is its length. So the mean over all references is a product: of what the candidate reaches,
    and of sums over the references of each length.
    """
    from pycocoevalcap.cider.cider_scorer import precook
    from scipy.sparse import csr_array

    flat = [reference for some in references for reference in some]
    picture = np.repeat(np.arange(len(references)), [len(some) for some in references])
    counted = [precook(words(reference), GRAM) for reference in flat]
    seen = Counter(
        gram for _, gram in {(n, gram) for n, counts in zip(picture, counted, strict=True) for gram in counts}
    )
    weight = {gram: np.log(len(references) / pictures) for gram, pictures in seen.items()}

    columns: dict[tuple[tuple[str, ...], int], int] = {}
    row, column, size, value = array("q"), array("q"), array("q"), array("d")
    norms, lengths = np.zeros((len(flat), GRAM)), np.zeros(len(flat), dtype=np.int64)
    for n, counts in enumerate(counted):
        for gram, count in counts.items():
            norms[n, len(gram) - 1] += (count * weight[gram]) ** 2
            # The tool counts pairs of words as the length.
            lengths[n] += count * (len(gram) == 2)
            for reached in range(1, count + 1):
                row.append(n)
                column.append(columns.setdefault((gram, reached), len(columns)))
                size.append(len(gram) - 1)
                value.append(count * weight[gram] ** 2)
    scale = np.divide(1, np.sqrt(norms), out=np.zeros_like(norms), where=norms > 0)[row, size]
    shape = len(flat), len(columns)
    candidates = csr_array((scale, (row, column)), shape=shape)
    share = 1 / np.bincount(picture)[picture] / len(references)
    held = csr_array((np.array(value) * scale * share[row], (row, column)), shape=shape)
    of_length = csr_array((np.ones(len(flat)), (np.arange(len(flat)), lengths)))
    shared = (candidates @ (held.T @ of_length)).toarray()
    apart = np.arange(shared.shape[1]) - lengths[:, None]
    scores = (shared * np.exp(-(apart**2) / (2 * SPREAD**2))).sum(axis=1)
    # Equal scores differ by the order of their sums.
    return flat[int(np.argmax(scores.round(12)))]


FURTHER = (*BLEU, METEOR, ROUGE, SPICE)
"""Measures of captions beside CIDEr, in the order of the tool."""

CIDER = Metric(
    name="CIDEr",
    scores=lambda readings, truths: cider(readings, truths).tolist(),
    best_constant=best_caption,
    further=FURTHER,
)
