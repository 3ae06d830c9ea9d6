"""The benchmarks: the metric of each, how an answer is read in what a model generates, and how long that may get.

A benchmark is all samples of the test split whose source is its name; each asks one thing. What the model was asked and
how is not here: prompts of all benchmarks come from `vlm.prompt`, in every order (reference-facts, 7.2 and D17).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from training.config import require, require_choice
from vlm.evaluate.metrics.boxes import exact_box_text, parse_box
from vlm.evaluate.metrics.metric import ACCURACY, CIDER, OVERLAP, Metric, Reading
from vlm.sample import Sample, SampleError, Task
from vlm.templates import letter_of
from vlm.vocabulary import END

Tasks = Literal["summary", "retrieval", "reading"]
"""What a benchmark needs of the picture (paper, section 5): its gist, a place in it, or the text in it."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """See the module."""

    name: str
    task: Task
    tasks: Tasks
    metric: Metric
    new_tokens: int
    """Most tokens that a model may generate for an answer."""
    read: Callable[[str], Reading]
    """What an answer, cut at the end token, says; None where it says nothing that could be right. A true answer is read
    in the same way."""

    def of(self, samples: Sequence[Sample]) -> list[Sample]:
        """Its samples among these.

        Raises:
            ConfigError: there are none, or one of them is of another task or has not one answer that can be read.
        """
        own = [sample for sample in samples if sample.source == self.name]
        require(
            bool(own), f"there are no samples of {self.name}: name a file of a test split, as `vlm world` draws it."
        )
        for sample in own:
            require(sample.task == self.task, f"sample {sample.id} of {self.name} is no {self.task}: {sample.task}.")
            if any(self.read(answer) is None for answer in answers_of(sample)):
                raise SampleError(f"sample {sample.id}: its answer cannot be read as {self.name} reads answers.")
        return own

    def judge(self, texts: Sequence[str], answers: Sequence[tuple[str, ...]]) -> list[tuple[float, bool]]:
        """The score of each text, and whether it could be read.

        Args:
            texts: what a model generated for each question of the benchmark: all of them, or what the metric takes
                from the whole benchmark is of these alone.
            answers: what is right of each.
        """
        readings = [self.read(text.partition(END)[0]) for text in texts]
        truths = [tuple(map(self.read, some)) for some in answers]
        scores = self.metric.scores(readings, truths)
        return [(float(score), reading is not None) for score, reading in zip(scores, readings, strict=True)]


def answers_of(sample: Sample) -> tuple[str, ...]:
    """What is right of a sample that asks one thing, as text: all references of a caption, otherwise one answer.

    Raises:
        SampleError: it asks several things, or a kind of thing that nothing is compared with.
    """
    asked = sample.regions if sample.task == "visual_grounding" else sample.questions
    if sample.task == "captioning":
        return sample.references or (sample.caption,)
    if sample.task == "image_text_match":
        return (str(sample.matches),)
    if len(asked) != 1 or sample.task not in ("visual_grounding", "vqa", "multiple_choice_vqa"):
        raise SampleError(f"sample {sample.id} ({sample.task}) cannot be scored: it has to ask one thing.")
    if sample.task == "visual_grounding":
        return (exact_box_text(sample.regions[0].box),)
    question = sample.questions[0]
    if sample.task == "vqa":
        return (question.answer,)
    return (letter_of(question, first_match=sample.as_published),)


def read_text(text: str) -> str | None:
    """All of it, on one line: captions."""
    return " ".join(text.split()) or None


def read_answer(text: str) -> str | None:
    """A word or phrase in lower case, without a final full stop: questions."""
    return text.strip().removesuffix(".").strip().lower() or None


def read_letter(text: str) -> str | None:
    """The one capital letter before the first full stop: multiple choice."""
    letter = text.partition(".")[0].strip()
    return letter if re.fullmatch("[A-Z]", letter) else None


def read_truth(text: str) -> str | None:
    """`true` or `false`, in either case: whatever else is said is no answer, and not one of the two."""
    answer = read_answer(text)
    return answer if answer in ("true", "false") else None


BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(
            name="world-caption", task="captioning", tasks="summary", metric=CIDER, new_tokens=80, read=read_text
        ),
        Benchmark(name="world-vqa", task="vqa", tasks="summary", metric=ACCURACY, new_tokens=20, read=read_answer),
        Benchmark(
            name="world-choice",
            task="multiple_choice_vqa",
            tasks="summary",
            metric=ACCURACY,
            new_tokens=10,
            read=read_letter,
        ),
        Benchmark(
            name="world-match",
            task="image_text_match",
            tasks="summary",
            metric=ACCURACY,
            new_tokens=10,
            read=read_truth,
        ),
        Benchmark(
            name="world-grounding",
            task="visual_grounding",
            tasks="retrieval",
            metric=OVERLAP,
            new_tokens=40,
            read=parse_box,
        ),
        Benchmark(name="world-reading", task="vqa", tasks="reading", metric=ACCURACY, new_tokens=20, read=read_answer),
    )
}


def benchmark_named(name: str) -> Benchmark:
    """The benchmark of this name.

    Raises:
        ConfigError: there is none.
    """
    require_choice("the benchmark", name, BENCHMARKS)
    return BENCHMARKS[name]
