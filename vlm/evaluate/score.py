"""Scores of predictions without a model: of ours once more, and of those that others have, against what is right.

Questions are known by their numbers in the data set. Predictions are scored in the order of the references, so that
their own order changes nothing. All of what a benchmark asks has to be answered, unless missing answers are allowed:
then scores are of the answers that are there, and say so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.config import require
from vlm.evaluate.benchmark import Benchmark
from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.files.coordinates import Coordinates, require_one_space
from vlm.evaluate.files.entries import Results, entries_of, is_ours, read_entries
from vlm.evaluate.files.published import read_published
from vlm.evaluate.files.references import read_references
from vlm.evaluate.files.truth import FileError, Truth, shown
from vlm.evaluate.predictions import Prediction, answered, read_predictions, scored_in


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Predictions with their scores, and what there is to say of them."""

    benchmark: Benchmark
    predictions: Sequence[Prediction]
    questions: int
    """Whose answers are known; more than there are predictions where some are missing."""
    knows_pictures: bool = True
    """Whether questions about one picture are known to be: otherwise intervals draw questions."""
    stated: Mapping[str, float] = field(default_factory=dict)
    """Scores that the file of predictions states itself."""

    @property
    def n(self) -> int:
        """Predictions that are scored."""
        return len(scored_in(self.predictions))

    @property
    def is_whole(self) -> bool:
        """Whether all that the benchmark asks is answered."""
        return self.n == self.questions


def score(
    benchmark: str,
    predictions: Path,
    *,
    references: str | None = None,
    allow_missing: bool = False,
    coordinates: Coordinates = "shares",
) -> Scored:
    """Reads predictions and what is right, and scores them.

    Args:
        predictions: in one of the forms of `vlm.evaluate.files`.
        references: an annotation file, or a folder of samples; may be left out where the file of predictions says
            itself what is right.
        allow_missing: scores what is there.
        coordinates: that boxes are in, predicted and true ones.

    Raises:
        ConfigError: one of the files cannot be used, or they do not belong together. The message is one sentence.
    """
    named = benchmark_named(benchmark)
    if references is None and is_ours(predictions):
        scored = _ours(named, predictions)
    else:
        scored = _of_others(named, predictions, references, allow_missing)
    require(scored.n > 0, f"{predictions} answers nothing whose answer is known: name --references that have answers.")
    if named.task == "visual_grounding":
        said = (one.prediction for one in scored.predictions)
        true = (answer for one in scored.predictions for answer in one.answers)
        require_one_space(str(predictions), said, true, coordinates)
    return scored


def _ours(benchmark: Benchmark, path: Path) -> Scored:
    read = read_predictions(path)
    _require_of(benchmark, read, path)
    known = sum(bool(one.answers) for one in read)
    return Scored(benchmark=benchmark, predictions=answered(read, [one.prediction for one in read]), questions=known)


def _of_others(benchmark: Benchmark, path: Path, references: str | None, allow_missing: bool) -> Scored:
    results = _read_results(benchmark, path)
    if references is None:
        require(results.truths is not None, f"{path} does not say what is right: name that with --references.")
        truths = results.truths or {}
    else:
        has_numbers = results.has_numbers or results.truths is None
        require(has_numbers, f"{path} says itself what is right, and has no numbers: leave --references out.")
        truths = read_references(benchmark, references)
    texts = results.texts if results.has_numbers or references is None else _in_order(results, truths, path, references)
    unknown = [number for number in texts if number not in truths]
    if unknown:
        raise FileError(f"{path} answers {len(unknown):,} questions that {references} does not have: {shown(unknown)}.")
    asked = [number for number, truth in truths.items() if truth.answers]
    missing = [number for number in asked if number not in texts]
    if missing and not allow_missing:
        raise FileError(
            f"{path} leaves {len(missing):,} of {len(asked):,} questions unanswered, such as {missing[0]}: add them, "
            "or score those that are there with --allow-missing."
        )
    own = [truth for number, truth in truths.items() if number in texts]
    return Scored(
        benchmark=benchmark,
        predictions=answered([_unscored(benchmark, truth) for truth in own], [texts[truth.number] for truth in own]),
        questions=len(asked),
        knows_pictures=all(truth.image for truth in own),
        stated=results.stated,
    )


def _read_results(benchmark: Benchmark, path: Path) -> Results:
    if is_ours(path):
        read = read_predictions(path)
        _require_of(benchmark, read, path)
        texts = {one.number: one.prediction for one in read}
        require(len(texts) == len(read), f"{path} answers a number twice: score it without --references.")
        return Results(texts=texts)
    value = entries_of(path)
    return read_published(benchmark, value, path) if isinstance(value, dict) else read_entries(benchmark, value, path)


def _require_of(benchmark: Benchmark, predictions: Sequence[Prediction], path: Path) -> None:
    held = predictions[0].benchmark
    require(held == benchmark.name, f"{path} holds predictions of {held}, and not of {benchmark.name}.")


def _in_order(results: Results, truths: Mapping[str, Truth], path: Path, references: str) -> dict[str, str]:
    """Texts without numbers under those of the references."""
    require(
        len(results.texts) == len(truths),
        f"{path} has {len(results.texts):,} predictions without numbers, and {references} {len(truths):,} "
        "questions: one of each is needed, in one order.",
    )
    return dict(zip(truths, results.texts.values(), strict=True))


def _unscored(benchmark: Benchmark, truth: Truth) -> Prediction:
    name = truth.id or f"{benchmark.name}-{truth.number}"
    return Prediction(
        id=name,
        number=truth.number,
        image=truth.image or name,
        benchmark=benchmark.name,
        group=truth.group,
        kind=truth.kind,
        prediction="",
        answers=truth.answers,
        score=None,
        parsed=False,
    )
