"""Questions that have two answers: accuracy, and F1, precision, recall and the rate of the positive one.

    YES_NO   yes or no, as in POPE, whose positive answer is `yes` (Li et al., 2023)
    TRUTH    true or false, as in VSR, whose positive answer is `true`

An answer that could not be read is wrong and neither of the two: on a positive question it is a miss, as if the
negative answer had been given; on a negative one it is no false alarm, but no right answer either. So it costs accuracy
and recall and never precision, and the rate counts it among the answers and not among the positive ones. In the public
implementation it counts as positive (reference-facts, 7.2), which needs the text and is not redone here. Measures of
nothing, such as precision where nothing was said to be positive, are 0 (B6).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vlm.evaluate.metrics.metric import ACCURACY, Measure, Numbers, Reading, Truths, ratio

NEGATIONS = frozenset({"No", "not", "no"})


def read_yes_no(text: str) -> str | None:
    """`yes` or `no`, as the official evaluation of POPE reads an answer: `no` where one of its `NEGATIONS` is a word of
    the first sentence, and otherwise `yes`, whatever it says.

    The first sentence ends before the first full stop, commas do not count, and words lie between spaces, which leaves
    `No!` a yes. Only a text of white space is None, which would be a yes in the official evaluation.
    """
    if not text.strip():
        return None
    words = text.partition(".")[0].replace(",", "").split(" ")
    return "yes" if NEGATIONS.isdisjoint(words) else "no"


def measures(positive: str) -> tuple[Measure, ...]:
    """F1, precision, recall and the rate of the positive answer, as functions of the same sums."""

    def parts(readings: Sequence[Reading], truths: Truths) -> Numbers:
        """n x 4: hits, false alarms, misses, and one for each answer."""
        said = np.array([reading == positive for reading in readings], dtype=bool)
        true = np.array([truth == positive for (truth,) in truths], dtype=bool)
        columns = (said & true, said & ~true, ~said & true, np.ones_like(true))
        return np.stack(columns, axis=1).astype(np.float64)

    def f1(sums: Numbers) -> Numbers:
        hits, alarms, misses = (sums[..., column] for column in range(3))
        return ratio(2 * hits, 2 * hits + alarms + misses)

    return (
        Measure(name="F1", parts=parts, of=f1),
        Measure(name="precision", parts=parts, of=lambda sums: ratio(sums[..., 0], sums[..., 0] + sums[..., 1])),
        Measure(name="recall", parts=parts, of=lambda sums: ratio(sums[..., 0], sums[..., 0] + sums[..., 2])),
        Measure(name=f"{positive} rate", parts=parts, of=lambda sums: ratio(sums[..., 0] + sums[..., 1], sums[..., 3])),
    )


YES_NO = replace(ACCURACY, further=measures("yes"))
TRUTH = replace(ACCURACY, further=measures("true"))
