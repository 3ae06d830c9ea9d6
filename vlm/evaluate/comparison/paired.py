"""Predictions of two models, paired question by question, from two files of one benchmark, or from two folders of them,
as `vlm evaluate` writes one for each model.

    A/BENCHMARK.jsonl   B/BENCHMARK.jsonl      files of the same name belong together
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.config import require
from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.predictions import Prediction, PredictionError, in_the_order_of, read_predictions, scored_in


@dataclass(frozen=True, kw_only=True)
class Paired:
    """What two models said to one benchmark, question by question, without the questions that cannot be scored."""

    a: Sequence[Prediction]
    b: Sequence[Prediction]

    @property
    def benchmark(self) -> str:
        return self.a[0].benchmark

    @property
    def images(self) -> list[str]:
        return [one.image for one in self.a]

    @property
    def scores(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """n each, of A and of B."""
        return np.array([one.score for one in self.a]), np.array([one.score for one in self.b])


def read_paired(a: Path, b: Path) -> tuple[list[Paired], list[str]]:
    """What two models said, a benchmark after the other in the order that they always have.

    Args:
        a, b: two files of predictions of one benchmark, or two folders of files.

    Returns:
        The benchmarks that both have; and what is left out, a sentence each.

    Raises:
        ConfigError: a file is none of predictions, two that belong together did not answer the same questions, or
            nothing is left that both answered.
    """
    for path in (a, b):
        require(path.exists(), f"{path} is not there: name predictions of `vlm evaluate`, a file or a folder of them.")
    require(
        a.is_dir() == b.is_dir(),
        f"{a if a.is_dir() else b} is a folder and {b if a.is_dir() else a} is none: name two files of one benchmark, "
        "or two folders of them.",
    )
    files, left_out = _same_names(a, b) if a.is_dir() else ([(a, b)], [])
    found: dict[str, Paired] = {}
    for first, second in files:
        paired, hidden = _read_two(first, second)
        if hidden:
            left_out.append(
                f"{first.name}: {hidden:,} of {len(paired.a) + hidden:,} answers have no score, as it is not given out "
                "what is right: they are left out."
            )
        if paired.a:
            name = paired.benchmark
            require(name not in found, f"{first.parent} holds {name} in several files: keep one of them.")
            found[name] = paired
    require(bool(found), f"no answer in {a} and {b} has a score: send them to the test server of their data set.")
    return [found[name] for name in BENCHMARKS if name in found], left_out


def _same_names(a: Path, b: Path) -> tuple[list[tuple[Path, Path]], list[str]]:
    """The files of two folders that belong together, and a sentence for each folder that holds others."""
    names = {folder: {path.name for path in folder.glob("*.jsonl")} for folder in (a, b)}
    for folder, some in names.items():
        below = sorted({path.parent.name for path in folder.glob("*/*.jsonl")})
        instead = f"one of those in it, such as {folder / below[0]}" if below else "one that `vlm evaluate` wrote"
        require(bool(some), f"{folder} holds no files of predictions: name {instead}.")
    shared = sorted(names[a] & names[b])
    require(bool(shared), f"{a} and {b} have no benchmark in common: evaluate both models on the same ones.")
    left_out = [
        f"{', '.join(sorted(own - set(shared)))} is in {folder} alone: left out."
        for folder, own in names.items()
        if own - set(shared)
    ]
    return [(a / name, b / name) for name in shared], left_out


def _read_two(first: Path, second: Path) -> tuple[Paired, int]:
    """What two files have in common, and how many of their questions cannot be scored."""
    own, other = read_predictions(first), read_predictions(second)
    require(
        own[0].benchmark == other[0].benchmark,
        f"{first} answers {own[0].benchmark} and {second} {other[0].benchmark}: name two files of one benchmark.",
    )
    try:
        other = in_the_order_of(own, other)
    except PredictionError as error:
        raise PredictionError(f"{first} and {second}: {error}") from error
    paired = Paired(a=scored_in(own), b=scored_in(other))
    return paired, len(own) - len(paired.a)
