"""Seconds and memory of scoring short answers, at growing numbers of them.

    python -m benchmarks.answers              writes benchmarks/results/answers.json (a few minutes, 1.5 GB of memory)

VQA accuracy: answers are drawn as often as words are, the k-th most frequent of 200,000 with a share like k^-1.1, and
have one to three words, some with an article, a number, a contraction or a comma, so that each rule has work. Each of
ten annotators, and the model, says what the question is known for with a chance of the question's own;
`annotators_agree` is the share of questions of which all ten say the same. Yes and no: a model that is right four times
in five, and is not read once in a hundred. Every answer is a text of its own in memory, as it is when it comes out of a
file. A size has a process of its own.

    scores          of the mean that is reported
    further         all measures beside it: the parts of every answer, and their sums
    best_constant   the one answer that scores highest
    load            how many processes wanted a processor in the last minute, as other work may be going on
    peak_mb         most memory that the process ever had, and empty_mb before anything is scored: they are equal where
                    drawing the answers took more than scoring them

Target: 1,000,000 answers within 60 seconds, all that a metric reports together.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlm.evaluate.metrics.metric import Metric
from vlm.evaluate.metrics.vqa import VQA, read_short_answer
from vlm.evaluate.metrics.yes_no import YES_NO, read_yes_no

SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 3
RANKS, EXPONENT = 200_000, 1.1
ANNOTATORS = 10
SYLLABLES = ("ba", "co", "di", "fu", "ga", "le", "mi", "no", "ra", "su", "ta", "wo")
WORDS = ("the {}", "{} {}", "two {}", "{}, {}", "{}s dont", "1,0{}", "{}-{}", "a {} on {} {}")
PLAIN = 0.7
"""Share of answers that are one word and nothing else."""

Answers = tuple[list[str | None], list[tuple[str, ...]]]
"""n readings, and what annotators said of each question."""


def vqa_answers(number: int, seed: int = 0) -> Answers:
    """So many readings, and ten answers to each question."""
    generator = np.random.default_rng(seed)
    vocabulary = np.array([_text(rank, generator) for rank in range(RANKS)], dtype=object)
    reach = np.cumsum(np.arange(1, RANKS + 1) ** -EXPONENT)

    def drawn(*shape: int) -> NDArray[np.intp]:
        return np.asarray(np.searchsorted(reach, generator.random(shape) * reach[-1]))

    # A third of questions are certain, and the others anything from open to nearly that.
    certain = np.where(generator.random(number) < 1 / 3, 1.0, generator.random(number))[:, None]
    known = drawn(number, 1)
    asked = np.where(generator.random((number, ANNOTATORS + 1)) < certain, known, drawn(number, ANNOTATORS + 1))
    texts = _apart(vocabulary[asked].ravel().tolist())
    said = [texts[start : start + ANNOTATORS] for start in range(0, len(texts), ANNOTATORS + 1)]
    readings = [read_short_answer(f"{text.capitalize()}.") for text in texts[ANNOTATORS :: ANNOTATORS + 1]]
    return readings, [tuple(some) for some in said]


def yes_no_answers(number: int, seed: int = 0) -> Answers:
    """So many readings of yes or no, and what is true."""
    generator = np.random.default_rng(seed)
    true = generator.random(number) < 0.5
    said = np.where(generator.random(number) < 0.8, true, ~true)
    texts = np.where(generator.random(number) < 0.01, "", np.where(said, "Yes.", "No."))
    truths = _apart(np.where(true, "yes", "no").tolist())
    return [read_yes_no(text) for text in texts.tolist()], [(truth,) for truth in truths]


METRICS: dict[str, tuple[Metric, Callable[[int], Answers]]] = {
    "VQA accuracy": (VQA, vqa_answers),
    "yes or no": (YES_NO, yes_no_answers),
}


def measure(name: str, number: int) -> dict[str, object]:
    """All that a metric reports, of so many drawn answers. For a process of its own."""
    metric, draw = METRICS[name]
    readings, truths = draw(number)
    empty = _peak()
    seconds: dict[str, list[float]] = {"scores": [], "further": [], "best_constant": []}
    for _ in range(ROUNDS):
        started = time.perf_counter()
        scores = metric.scores(readings, truths)
        seconds["scores"].append(time.perf_counter() - started)
        started = time.perf_counter()
        others = {one.name: float(one.of(one.parts(readings, truths).sum(axis=0))) for one in metric.further}
        seconds["further"].append(time.perf_counter() - started)
        started = time.perf_counter()
        best = metric.best_constant(truths)
        seconds["best_constant"].append(time.perf_counter() - started)
    medians = {part: statistics.median(each) for part, each in seconds.items()}
    return {
        "metric": name,
        "answers": number,
        **{part: round(one, 2) for part, one in medians.items()},
        "all": round(sum(medians.values()), 2),
        "load": round(os.getloadavg()[0], 1),
        "microseconds_per_answer": round(1e6 * sum(medians.values()) / number, 2),
        "peak_mb": round(_peak()),
        "empty_mb": round(empty),
        "annotators_agree": round(sum(len(set(some)) == 1 for some in truths) / number, 2),
        "mean": round(statistics.fmean(scores), 4),
        "others": {other: round(value, 4) for other, value in others.items()},
        "best": best,
    }


def rows() -> Iterator[dict[str, object]]:
    """One for each metric and size."""
    for name in METRICS:
        for number in SIZES:
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                yield process.submit(measure, name, number).result()


def _text(rank: int, generator: np.random.Generator) -> str:
    """An answer; that of each rank begins with a word of its own."""
    digits = np.base_repr(rank, len(SYLLABLES))
    word = "".join(SYLLABLES[int(digit, len(SYLLABLES))] for digit in digits)
    form = "{}" if generator.random() < PLAIN else WORDS[generator.integers(len(WORDS))]
    return form.format(word, *generator.choice(SYLLABLES, 2))


def _apart(texts: list[str]) -> list[str]:
    """The same, each at a place of its own in memory."""
    return "\n".join(texts).split("\n")


def _peak() -> float:
    """Megabytes that this process has held at most."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def main() -> None:
    from benchmarks.timing import write_results  # it takes in torch, and more memory than small sizes do

    found = []
    for row in rows():
        found.append(row)
        print(row, flush=True)
    write_results("answers", "python -m benchmarks.answers", found)


if __name__ == "__main__":
    main()
