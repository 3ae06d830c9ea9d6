"""Predictions: what a model said to each question of a benchmark, what is right and how it scored, a JSON line each.

    {"id": "vqa_v2-262148000.0", "number": "262148000", "image": "coco:262148", "benchmark": "vqa_v2", "group": "",
     "kind": "other", "prediction": "Red.", "answers": ["red", "red", "red", "red"], "score": 1.0, "parsed": true}

`prediction` is the text as it was generated, so that it can be scored again. Where answers are not given out, as in the
test sets that servers score, `answers` is empty and `score` is null.
"""

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.config import ConfigError, conform, require
from vlm.evaluate.benchmark import Benchmark, answers_of, kind_of, number_of, picture_of
from vlm.evaluate.benchmarks import benchmark_named
from vlm.files import replace_text
from vlm.sample import Sample


class PredictionError(ConfigError):
    """A file of predictions that cannot be used. The message is one sentence that names it and says why."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """An answer to one question. `id` and `group` are those of the sample, `kind` that of its question."""

    id: str
    number: str
    """Of the question in its data set, which test servers and files of others know it by."""
    image: str
    """The picture, by the first of its names: what is drawn again for intervals."""
    benchmark: str
    group: str
    kind: str
    prediction: str
    answers: tuple[str, ...]
    """All that is right: the references of a caption, what annotators answered, the letters of right options, or one
    answer. Empty where it is not given out."""
    score: float | None
    """From 0 to 1; of a caption its CIDEr, from 0 to 10. None where answers are not given out."""
    parsed: bool
    """Whether it could be read as an answer. Where not, the score is 0."""

    def __post_init__(self) -> None:
        conform(self)


def judge(benchmark: Benchmark, samples: Sequence[Sample], texts: Sequence[str]) -> list[Prediction]:
    """What was generated for each sample, scored.

    Args:
        samples: all of the benchmark.
        texts: one a sample.
    """
    unscored = [
        Prediction(
            id=sample.id,
            number=number_of(sample),
            image=picture_of(sample),
            benchmark=benchmark.name,
            group=sample.group,
            kind=kind_of(sample),
            prediction="",
            answers=answers_of(sample),
            score=None,
            parsed=False,
        )
        for sample in samples
    ]
    return answered(unscored, texts)


def answered(predictions: Sequence[Prediction], texts: Sequence[str]) -> list[Prediction]:
    """The same questions of one benchmark with these texts for answers, scored where it is known what is right."""
    if not predictions:
        return []
    benchmark = benchmark_named(predictions[0].benchmark)
    known = [(text, one.answers) for one, text in zip(predictions, texts, strict=True) if one.answers]
    judged = iter(benchmark.judge(*map(list, zip(*known, strict=True))) if known else ())
    scored = []
    for one, text in zip(predictions, texts, strict=True):
        score, parsed = next(judged) if one.answers else (None, benchmark.readings([text])[0] is not None)
        scored.append(dataclasses.replace(one, prediction=text, score=score, parsed=parsed))
    return scored


def scored_in(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Those of which it is known what is right."""
    return [one for one in predictions if one.score is not None]


def submitted(predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """What is sent to the test server of their benchmark: all that it alone can score, or everything where that is
    nothing; none where there is no server."""
    benchmark = benchmark_named(predictions[0].benchmark)
    form = benchmark.submission
    if form is None:
        return []
    hidden = [one for one in predictions if one.score is None] or predictions
    read = benchmark.readings([one.prediction for one in hidden])
    return [form.entry(one.number, text or "") for one, text in zip(hidden, read, strict=True)]


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Writes a file of predictions, in one step: no reader finds a part of it."""
    replace_text(path, "".join(json.dumps(dataclasses.asdict(one)) + "\n" for one in predictions))


def read_predictions(path: Path) -> list[Prediction]:
    """All predictions of a file.

    Raises:
        PredictionError: there is no such file, a line of it is no prediction, it is empty, holds an id twice, or is of
            several benchmarks.
    """
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise PredictionError(
            f"{path} cannot be read as a file of predictions: write one with `vlm evaluate`."
        ) from error
    try:
        predictions = []
        for number, line in enumerate(lines, start=1):
            predictions.append(_from_line(line, f"line {number}"))
        require(bool(predictions), "it is empty: evaluate again.")
        names = {one.benchmark for one in predictions}
        require(len(names) == 1, f"it holds {' and '.join(sorted(names))}: keep one benchmark in a file.")
        benchmark_named(predictions[0].benchmark)
        seen: set[str] = set()
        for one in predictions:
            require(one.id not in seen, f"it answers {one.id} twice: keep one of the two.")
            seen.add(one.id)
    except ConfigError as error:
        raise PredictionError(f"{path} is no file of predictions: {error}") from error
    return predictions


def _from_line(line: str, place: str) -> Prediction:
    """Raises ConfigError where this line is no prediction."""
    names = [field.name for field in dataclasses.fields(Prediction)]
    try:
        read: Any = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{place} is no JSON: {line.strip()[:80]}") from error
    require(isinstance(read, dict), f"{place} is no JSON object: {line.strip()[:80]}")
    differing = sorted(read.keys() ^ set(names))
    require(not differing, f"{place} must have exactly {', '.join(names)}, and differs in {', '.join(differing)}.")
    try:
        prediction = Prediction(**read)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error
    score = prediction.score
    require(bool(prediction.answers) == (score is not None), f"{place} has answers without a score, or the reverse.")
    require(
        score is None or (math.isfinite(score) and score >= 0),
        f"{place} has a score of {score}, which is no number from 0 up.",
    )
    return prediction


def in_the_order_of(first: Sequence[Prediction], second: Sequence[Prediction]) -> list[Prediction]:
    """The predictions of `second`, question by question as `first` has them.

    Raises:
        PredictionError: the two did not answer the same questions about the same pictures, with the same right answers.
    """
    own = {one.id: one for one in first}
    other = {one.id: one for one in second}
    lone = sorted(own.keys() ^ other.keys())
    if lone:
        raise PredictionError(
            f"the two cannot be paired: {len(lone)} samples, such as {lone[0]}, are answered by one of them alone; "
            "evaluate both on the same file."
        )
    for one in first:
        if _question(one) != _question(other[one.id]):
            raise PredictionError(
                f"the two cannot be paired: sample {one.id} is another question in each; evaluate both on one file."
            )
    return [other[one.id] for one in first]


def _question(one: Prediction) -> tuple[str, ...]:
    return (one.benchmark, one.image, one.group, one.kind, *one.answers)
