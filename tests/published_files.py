"""Result files of the public implementation (reference-facts, 7.6), drawn up: JSON with what was said beside what is
right, and the latter in each of the forms that can be read."""

from collections.abc import Sequence
from typing import Any

from result_files import Drawn

from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.files.truth import Truth
from vlm.evaluate.metrics.boxes import parse_box


def published(some: Drawn, truth: str = "text", numbered: bool = False) -> dict[str, Any]:
    """A result file of the public implementation.

    Args:
        truth: how right answers are written: text, texts, objects, number or numbers.
    """
    benchmark = BENCHMARKS[some.benchmark]
    said = [some.texts[one.number] for one in some.truths]
    if benchmark.task == "visual_grounding":
        return {
            "accuracy": 0.25,
            "outputs": [_output(one, text, truth) for one, text in zip(some.truths, said, strict=True)],
        }
    name = "grountruths" if benchmark.name.startswith("pope_") else "groundtruths"
    value: dict[str, Any] = {"metrics": {"accuracy": 25.0}, "predictions": said}
    value[name] = [_written(benchmark.name, one.answers, truth) for one in some.truths]
    if numbered:
        value["question_ids"] = [one.number for one in some.truths]
    if benchmark.source:
        return _among_others(value, benchmark.source)
    return value


def _output(truth: Truth, text: str, written: str) -> dict[str, Any]:
    box, said = parse_box(truth.answers[0]), parse_box(text)
    target: Any = list(box or ()) if written == "numbers" else truth.answers[0]
    prediction: Any = (list(said) if said else None) if written == "numbers" else text
    return {"prediction": prediction, "target": target, "phrase": "the bus", "image_path": truth.image}


def _written(benchmark: str, answers: Sequence[str], how: str) -> Any:
    if how == "texts":
        return list(answers)
    if how == "objects":
        return [{"answer": answer} for answer in answers]
    if how in ("number", "numbers"):
        words = {"vsr": ["False", "True"], "ai2d": list("ABCD")}.get(benchmark, ["no", "yes"])
        words = list("ABCD") if benchmark.startswith("visual7w") else words
        place = words.index(answers[0])
        return [place] if how == "numbers" else place
    return answers[0]


def _among_others(value: dict[str, Any], source: str) -> dict[str, Any]:
    """With questions of Visual7W's other benchmark between its own."""
    other = "visual7w pointing" if source == "visual7w telling" else "visual7w telling"
    count = len(value["predictions"])
    mixed: dict[str, Any] = {"metrics": {"telling": 81.5, "pointing": 0.0}, "sources": [source, other] * count}
    for name in ("predictions", "groundtruths"):
        filler = "A" if name == "predictions" else 0
        mixed[name] = [one for own in value[name] for one in (own, filler)]
    return mixed
