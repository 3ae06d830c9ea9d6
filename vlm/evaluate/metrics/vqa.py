"""VQA accuracy (Antol et al., 2015): an answer is right as far as annotators gave it; three who did are enough.

A question has the answers of its annotators as they stand in its data set, ten of them in VQAv2 and TextVQA. Two
accuracies are reported, each the mean over all questions; the official one depends on the data set:

    official       GT-Vision-Lab/VQA, vqaEval.py. Each annotator is left out in turn, the answer scores
                   min(1, matches / 3) against the others, and that is averaged. Where annotators disagree, the answer
                   and theirs are compared as `normalised`; where all said the same, as they are but for white space
                   (the tool's authors meant answers that are read in the picture, which it would spoil). TextVQA's
                   own evaluation (MMF, `TextVQAAccuracyEvaluator`) has the same formula, and always compares as
                   `evalai_normalised`.
    as published   The paper's evaluator (reference-facts, 7.3): min(1, round(0.3 * matches, 1)) of the raw answers of
                   annotators that are equal to the answer as `evalai_normalised`. With ten annotators as many matches
                   score the same, but what annotators wrote is left as it is (D10): nothing ever matches a `two dogs`
                   or `the bus` of theirs.

The official formula is one of the number of annotators, too: a match by all of two, three or four gives 1/3, 2/3 and 1,
and by the only one 0, since nobody is left to compare with. Where a question has one true answer, `ACCURACY` is the
metric to use.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import chain

from vlm.evaluate.metrics.metric import Metric, Reading, Truths, mean_of
from vlm.evaluate.metrics.vqa_words import ARTICLES, CONTRACTIONS, NUMBERS, PUNCTUATION

ENOUGH = 3
"""Annotators who have to agree with an answer for it to be right."""

COMMA_IN_NUMBER = re.compile(r"\d,\d")
FULL_STOP = re.compile(r"\.(?!\d)")
"""Taken out. The tool also means to spare those behind a digit, by a pattern that never applies."""
MOST_FULL_STOPS = 32
"""Taken out of one answer: where the tool names a flag of its pattern, Python reads a number, which is this."""

Form = Callable[[str], str]
"""What is compared in place of an answer."""


def read_short_answer(text: str) -> str | None:
    """The answer in a generated text: in lower case, without white space around it and one final full stop, as the
    model was taught to say `Red.`; None where nothing is left. The official tool would do this to some answers only."""
    return text.strip().removesuffix(".").strip().lower() or None


def normalised(answer: str) -> str:
    """An answer as the official tool compares it where annotators disagree.

    On one line; without punctuation; in lower case, with digits for `none` and `zero` to `ten`, without articles, and
    with the apostrophes of known contractions. A mark of punctuation is taken out wherever it stands if it stands next
    to a space somewhere in the answer, or if any comma stands between digits, and is otherwise a space; full stops are
    taken out unless a digit follows: `3.5-inch` is `3.5 inch`, `1,000 (or so)` is `1000 or so`.
    """
    return _in_words(_without_punctuation(_on_one_line(answer)))


def evalai_normalised(answer: str) -> str:
    """An answer as the EvalAI variant has it, which was used for the paper's scores (reference-facts, 7.3).

    It takes out commas and question marks beforehand, so that `red,white` is `redwhite` and not `red white`, and the
    rule on numbers with commas never applies: `1,000-2,000` is `1000 2000` and not `10002000`. It also cuts off each
    `'s`: `men's` is `men 's`. From there on it is the same.
    """
    return normalised(answer.lower().replace(",", "").replace("?", "").replace("'s", " 's"))


def official_accuracy(readings: Sequence[Reading], truths: Truths) -> list[float]:
    """The official score of each answer.

    Args:
        readings: n texts, as `read_short_answer` has them; None scores 0.
        truths: the answers of all annotators of each question, as given: at least one.
    """
    plain, normal = cache(_on_one_line), cache(normalised)
    return [
        0.0 if reading is None else _official(reading, some, plain, normal)
        for reading, some in zip(readings, truths, strict=True)
    ]


def text_vqa_accuracy(readings: Sequence[Reading], truths: Truths) -> list[float]:
    """The official score of each answer of TextVQA. Takes what `official_accuracy` does."""
    normal = cache(evalai_normalised)
    return [
        0.0 if reading is None else _official(reading, some, normal, normal)
        for reading, some in zip(readings, truths, strict=True)
    ]


def published_accuracy(readings: Sequence[Reading], truths: Truths) -> list[float]:
    """The score of each answer by the paper's evaluator. Takes what `official_accuracy` does."""
    normal = cache(evalai_normalised)
    return [
        0.0 if reading is None else min(1.0, round(0.3 * some.count(normal(reading)), 1))
        for reading, some in zip(readings, truths, strict=True)
    ]


def best_answer(truths: Truths, agreed: Form | None = None, differing: Form | None = None) -> str:
    """The answer that has the highest mean official accuracy when it is given to every question; the first of several.

    Of all answers that are read as they stand, that is in lower case and without a final full stop. One that nobody
    gave scores no higher than one that somebody did: what it is compared as, an annotator said.

    Args:
        agreed, differing: what answers are compared as where annotators agree and where not; VQAv2's unless given.
    """
    plain, normal = cache(agreed or _on_one_line), cache(differing or normalised)
    whole = math.lcm(*{len(some) for some in truths})
    as_given: Counter[str] = Counter()
    in_words: Counter[str] = Counter()
    for some in truths:
        form = _form(some, plain, normal)
        points = as_given if form is plain else in_words
        for answer, matches in Counter(map(form, some)).items():
            points[answer] += _points(matches, len(some)) * (whole // len(some))
    candidates = dict.fromkeys(map(_settled, dict.fromkeys(chain.from_iterable(truths))))
    return max(
        filter(None, candidates), key=lambda answer: as_given[plain(answer)] + in_words[normal(answer)], default=""
    )


def _official(reading: str, some: Sequence[str], plain: Form, normal: Form) -> float:
    form = _form(some, plain, normal)
    said = form(reading)
    return _points([*map(form, some)].count(said), len(some)) / (ENOUGH * len(some))


def _form(some: Sequence[str], plain: Form, normal: Form) -> Form:
    """In which form answers to a question are compared: plainly where its annotators agree."""
    return plain if len(set(map(plain, some))) == 1 else normal


def _points(matches: int, annotators: int) -> int:
    """The sum of min(ENOUGH, matches) over annotators that are left out: those who match, and the others."""
    return matches * min(ENOUGH, matches - 1) + (annotators - matches) * min(ENOUGH, matches)


def _settled(answer: str) -> str:
    """What of an answer is read as it stands."""
    while (read := read_short_answer(answer) or "") != answer:
        answer = read
    return answer


def _on_one_line(answer: str) -> str:
    return answer.replace("\n", " ").replace("\t", " ").strip()


def _without_punctuation(answer: str) -> str:
    everywhere = COMMA_IN_NUMBER.search(answer) is not None
    left = answer
    for mark in PUNCTUATION:
        out = everywhere or f"{mark} " in answer or f" {mark}" in answer
        left = left.replace(mark, "" if out else " ")
    return FULL_STOP.sub("", left, count=MOST_FULL_STOPS)


def _in_words(answer: str) -> str:
    words = (NUMBERS.get(word, word) for word in answer.lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES)


VQA = Metric(
    name="VQA accuracy",
    scores=official_accuracy,
    best_constant=best_answer,
    further=(mean_of("VQA accuracy as published", published_accuracy),),
)
TEXT_VQA = replace(
    VQA,
    scores=text_vqa_accuracy,
    best_constant=partial(best_answer, agreed=evalai_normalised, differing=evalai_normalised),
)
