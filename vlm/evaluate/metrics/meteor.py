"""METEOR 1.5 (Denkowski and Lavie, 2014) of captions, by its Java program in pycocoevalcap, as that tool calls it.

For each caption the program takes the reference that it matches best and writes 23 numbers:

    0 to 3      words of the caption, of the reference, and how many of each are function words
    4 to 19     for each of four kinds of matches (same word, same stem, synonym, paraphrase): content words of the
                caption and of the reference that are matched, and function words of the same
    20          chunks, which are matched runs in the same order
    21, 22      words of the caption and of the reference that are matched

METEOR of the benchmark is a function of their sums, not the mean of the captions' scores. The tool lets the program
compute it; here the formula is written out, for parts and resamples, and tested against the program.

The tool writes a line, waits for the answer to it, and waits for ever when the program has died. Here the program gets
all lines as a file. Three bars would end a text before its end: they are left out of references too, which the tool
would cut in two there.
"""

import os
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from training.config import require
from vlm.evaluate.metrics.java import NEEDED, java_version, run_java, tool_folder
from vlm.evaluate.metrics.metric import Measure, Numbers, ratio
from vlm.evaluate.metrics.wording import worded

NUMBERS = 23
SAID, TRUE, KIND, CHUNKS, SAID_MATCHED, TRUE_MATCHED = 0, 1, 4, 20, 21, 22
"""Places among them; the kinds of matches begin at the third of these."""
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
"""The program's parameters for English: weight of recall, power and weight of the fragmentation, weight of content
words."""
KINDS = np.array([1.0, 0.6, 0.8, 0.6])
"""Weights of the kinds of matches."""

MEMORY = "2G"
WORTH_A_START = 4_000
"""Captions that take the program about as long as its start, which is spent on reading its paraphrases."""
MOST_AT_ONCE = 4
"""Programs that run side by side: each takes more than a gigabyte."""


def statistics(captions: Sequence[str | None], references: Sequence[Sequence[str | None]]) -> Numbers:
    """The numbers of each caption: n x 23, with no chunk where the caption is wholly its reference.

    Raises:
        MeasureError: the program failed.
    """
    lines = [_line(caption, some) for caption, some in zip(*worded(captions, references), strict=True)]
    if not lines:
        return np.zeros((0, NUMBERS))
    number = min(os.cpu_count() or 1, MOST_AT_ONCE, 1 + len(lines) // WORTH_A_START)
    bounds = np.linspace(0, len(lines), number + 1, dtype=int)
    inputs = ["".join(lines[first:last]) for first, last in pairwise(bounds.tolist())]
    jar = tool_folder("meteor") / "meteor-1.5.jar"
    written = run_java("METEOR", jar, MEMORY, ["-", "-", "-stdio", "-l", "en", "-norm"], inputs)
    rows = [line.split() for text in written for line in text.splitlines()]
    require(
        len(rows) == len(lines) and all(len(row) == NUMBERS for row in rows),
        f"the Java program of METEOR wrote {len(rows)} lines for {len(lines)} captions, or others than of {NUMBERS} "
        f"numbers: see what {jar} writes on this machine.",
    )
    found = np.array(rows, dtype=np.float64)
    # What the program does as it sums: a caption that is wholly its reference has no penalty, alone or among others.
    whole = (found[:, SAID_MATCHED] == found[:, SAID]) & (found[:, TRUE_MATCHED] == found[:, TRUE])
    found[whole & (found[:, CHUNKS] == 1), CHUNKS] = 0
    return found


def meteor(sums: Numbers) -> Numbers:
    """METEOR. ... x 23, sums of `statistics` -> ..."""
    said, true, said_function, true_function = np.moveaxis(sums[..., :KIND], -1, 0)
    matches = np.einsum("...ks,k->...s", sums[..., KIND:CHUNKS].reshape(*sums.shape[:-1], len(KINDS), 4), KINDS)
    precision = ratio(_weighted(matches[..., 0], matches[..., 2]), _weighted(said - said_function, said_function))
    recall = ratio(_weighted(matches[..., 1], matches[..., 3]), _weighted(true - true_function, true_function))
    mean = ratio(precision * recall, (1 - ALPHA) * recall + ALPHA * precision)
    fragmentation = ratio(sums[..., CHUNKS], (sums[..., SAID_MATCHED] + sums[..., TRUE_MATCHED]) / 2)
    return np.asarray(mean * (1 - GAMMA * fragmentation**BETA))


def lacking() -> str:
    """What METEOR needs that is not here, as a sentence."""
    return "" if java_version() else f"METEOR {NEEDED}"


def _weighted(content: Numbers, function: Numbers) -> Numbers:
    return DELTA * content + (1 - DELTA) * function


def _line(caption: str, references: Sequence[str]) -> str:
    return " ||| ".join(["SCORE", *map(_plain, references), _plain(caption)]) + "\n"


def _plain(text: str) -> str:
    return text.replace("|||", "").replace("  ", " ").replace("\r", " ").replace("\n", " ")


METEOR = Measure(name="METEOR", parts=statistics, of=meteor, lacking=lacking)
