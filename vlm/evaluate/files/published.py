"""Result files of the public implementation (reference-facts, 7.6): an object with scores, predictions and truths.

    metrics        scores, as shares or in percent; of RefCOCO `accuracy` beside `outputs`
    predictions    a text each
    groundtruths   what is right of each, in the same order; of POPE spelt `grountruths`
    question_ids   of GQA; others have no numbers, and are numbered by their places, from 1 on
    sources        of Visual7W, whose two benchmarks share a file
    outputs        of RefCOCO: prediction, target, phrase, image_path

How entries are written is nowhere said, so all ways are taken that can mean one thing alone: a right answer by itself
or in a list, those of annotators as texts or as objects with an `answer`; options as letters, or counted from 0; yes
and no, true and false as words, or as 1 and 0; boxes as text or as four numbers. Captions come in COCO's form.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vlm.data.scanner import is_text
from vlm.evaluate.benchmark import Benchmark
from vlm.evaluate.files.contents import beginning_of
from vlm.evaluate.files.coordinates import as_box_text
from vlm.evaluate.files.entries import Results, number_of_entry
from vlm.evaluate.files.truth import FileError, Truth
from vlm.evaluate.metrics.yes_no import YES_NO
from vlm.templates import LETTERS

TRUTHS = ("groundtruths", "grountruths")


def read_published(benchmark: Benchmark, value: Mapping[str, Any], path: Path) -> Results:
    """The predictions of a file, and what is right.

    Raises:
        FileError: it is not of this benchmark, or holds what cannot be read.
    """
    if benchmark.task == "captioning":
        raise FileError(f"{path} is no file of captions: name the list of image_id and caption that is beside it.")
    if ("outputs" in value) != (benchmark.task == "visual_grounding"):
        raise FileError(f"{path} is not of {benchmark.name}: name its own file of predictions.")
    if "outputs" in value:
        return _grounding(benchmark, value, path)
    truths_name = next((name for name in TRUTHS if name in value), TRUTHS[0])
    said, truths = _list(value, "predictions", path), _list(value, truths_name, path)
    others = {name: _list(value, name, path) for name in ("question_ids", "sources") if name in value}
    for name, some in {truths_name: truths, **others}.items():
        if len(some) != len(said):
            raise FileError(f"{path} has {len(said):,} predictions and {len(some):,} {name}: one of each is needed.")
    places = _places(benchmark, others.get("sources"), len(said), path)
    texts: dict[str, str] = {}
    right: dict[str, Truth] = {}
    for place in places:
        number = str(place + 1)
        if "question_ids" in others:
            number = number_of_entry(others["question_ids"][place], "question_ids", place + 1, path)
        if number in texts:
            raise FileError(f"{path} answers {number} twice: keep one of the two.")
        texts[number] = _answer(benchmark, said[place], f"{path}, prediction {place + 1:,}")
        answers = _right(benchmark, truths[place], f"{path}, {truths_name}, entry {place + 1:,}")
        right[number] = Truth(number, answers)
    return Results(
        texts=texts, has_numbers="question_ids" in others, truths=right, stated=_stated(value.get("metrics"))
    )


def _grounding(benchmark: Benchmark, value: Mapping[str, Any], path: Path) -> Results:
    texts: dict[str, str] = {}
    right: dict[str, Truth] = {}
    for place, output in enumerate(_list(value, "outputs", path), start=1):
        where = f"{path}, output {place:,}"
        if not isinstance(output, dict) or not output.keys() >= {"prediction", "target"}:
            raise FileError(f"{where} should have a prediction and a target and is {beginning_of(output)}.")
        number, said, image = str(place), output["prediction"], output.get("image_path", "")
        texts[number] = "" if said is None else as_box_text(said, f"{where}: 'prediction'")
        target = _readable(benchmark, as_box_text(output["target"], f"{where}: 'target'"), where)
        right[number] = Truth(number, (target,), image=image if is_text(image) else "")
    return Results(texts=texts, has_numbers=False, truths=right, stated=_stated(value))


def _list(value: Mapping[str, Any], name: str, path: Path) -> list[Any]:
    """What stands there, of which there is some."""
    some = value.get(name)
    if not isinstance(some, list) or not some:
        raise FileError(f"{path} has no list of {name}, or an empty one: name a whole file of predictions.")
    return some


def _places(benchmark: Benchmark, sources: list[Any] | None, count: int, path: Path) -> Sequence[int]:
    """Which of the entries are of this benchmark."""
    if benchmark.source and sources is None:
        raise FileError(f"{path} has no sources, which tell {benchmark.name} from what else is in such a file.")
    if sources is None:
        return range(count)
    word = (benchmark.source or benchmark.name).split()[-1]
    places = [place for place, source in enumerate(sources) if is_text(source) and source.split()[-1:] == [word]]
    if not places:
        raise FileError(f"{path} holds nothing of {benchmark.name}: its sources name none of its questions.")
    return places


def _answer(benchmark: Benchmark, value: Any, place: str) -> str:
    """An answer as text: a text, the place of an option, or 0 and 1 for words."""
    if is_text(value):
        return value
    words = _words_of(benchmark)
    if isinstance(value, int) and 0 <= value < len(words) and not (isinstance(value, bool) and words == LETTERS):
        return words[value]
    raise FileError(f"{place} should be an answer of {benchmark.name} and is {beginning_of(value)}.")


def _words_of(benchmark: Benchmark) -> Sequence[str]:
    """What whole numbers from 0 on stand for."""
    if "multiple_choice" in benchmark.task:
        return LETTERS
    if benchmark.task == "image_text_match":
        return ("False", "True")
    return ("no", "yes") if benchmark.metric is YES_NO else ()


def _right(benchmark: Benchmark, value: Any, place: str) -> tuple[str, ...]:
    """All right answers of an entry."""
    values = value if isinstance(value, list) else [value]
    answers = tuple(_answer(benchmark, one.get("answer") if isinstance(one, dict) else one, place) for one in values)
    if not benchmark.reads_truths and len(answers) < 2:
        raise FileError(f"{place} has no answers of several annotators, which {benchmark.name} is scored by.")
    may_be_several = not benchmark.reads_truths or "multiple_choice" in benchmark.task
    if not answers or (len(answers) > 1 and not may_be_several):
        raise FileError(f"{place} has {len(answers)} right answers, and a question of {benchmark.name} has one.")
    return tuple(_readable(benchmark, answer, place) for answer in answers)


def _readable(benchmark: Benchmark, answer: str, place: str) -> str:
    if benchmark.truth(answer) is None:
        raise FileError(f"{place}: {beginning_of(answer)} cannot be right of a question of {benchmark.name}.")
    return answer


def _stated(value: Any) -> dict[str, float]:
    """Numbers of an object, those of objects in it with both names."""
    if not isinstance(value, dict):
        return {}
    found: dict[str, float] = {}
    for name, one in value.items():
        if isinstance(one, dict):
            found |= {f"{name} {inner}": number for inner, number in _stated(one).items()}
        elif isinstance(one, int | float) and not isinstance(one, bool):
            found[name] = float(one)
    return found
