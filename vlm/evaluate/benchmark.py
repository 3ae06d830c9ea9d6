"""What a benchmark is: its samples among others, how an answer is read in what a model generates, and its metric.

Each asks one thing at a time: samples that data sets give out packed are taken apart. What the model is asked and how
is not here: prompts of all benchmarks come from `vlm.prompt`, in every order (reference-facts, 7.2 and D17). Answers
are read in one way for every model, and true ones in the same way unless their metric does that (D10).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.config import require
from vlm.evaluate.metrics.boxes import exact_box_text
from vlm.evaluate.metrics.metric import Metric, Reading
from vlm.evaluate.metrics.vqa import read_short_answer
from vlm.evaluate.submission import Submission
from vlm.sample import Sample, SampleError, Task
from vlm.samples import Chosen, Samples
from vlm.templates import letter_of, letters_of
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
    """What an answer, cut at the end token, says; None where it says nothing that could be right."""
    reads_truths: bool = True
    """Whether true answers are read in the same way; False where the metric takes them as annotators wrote them."""
    source: str = ""
    """Of its samples; its name unless given."""
    by_group: bool = False
    """Whether its groups are reported like benchmarks, as RefCOCO's two test sets are in the paper."""
    submission: Submission | None = None
    """What a file for its test server looks like, where there is one."""

    def of(self, samples: Samples) -> list[Sample]:
        """Its samples among these, each of which asks one thing; there may be none.

        Raises:
            ConfigError: one of them is of another task, or has an answer that cannot be read.
        """
        source = self.source or self.name
        numbers = np.flatnonzero([name == source for name in samples.texts("source")])
        own = list(Chosen(samples, numbers).one_by_one())
        for sample in own:
            require(sample.task == self.task, f"sample {sample.id} of {self.name} is no {self.task}: {sample.task}.")
            if any(self.truth(answer) is None for answer in answers_of(sample)):
                raise SampleError(f"sample {sample.id}: its answer cannot be read as {self.name} reads answers.")
        return own

    def can_be_sent(self, number: str) -> bool:
        """Whether its test server could know a question by this number."""
        return self.submission is None or not self.submission.is_whole or number.isdecimal()

    def truth(self, answer: str) -> Reading:
        """What is right, as the metric takes it."""
        return self.read(answer) if self.reads_truths else answer

    def readings(self, texts: Sequence[str]) -> list[Reading]:
        """What is read in what a model generated."""
        return [self.read(text.partition(END)[0]) for text in texts]

    def truths(self, answers: Sequence[tuple[str, ...]]) -> list[tuple[Reading, ...]]:
        """What is right of each question, as the metric takes it."""
        return [tuple(map(self.truth, some)) for some in answers]

    def judge(self, texts: Sequence[str], answers: Sequence[tuple[str, ...]]) -> list[tuple[float, bool]]:
        """The score of each text, and whether it could be read.

        Args:
            texts: what a model generated for each question of the benchmark: all of them, or what the metric takes
                from the whole benchmark is of these alone.
            answers: what is right of each.
        """
        readings = self.readings(texts)
        scores = self.metric.scores(readings, self.truths(answers))
        return [(float(score), reading is not None) for score, reading in zip(scores, readings, strict=True)]


def answers_of(sample: Sample) -> tuple[str, ...]:
    """What is right of a sample that asks one thing, as text: all references of a caption, the answers of all
    annotators, the letters of all options that are right (as published, of the first; D13), otherwise one; none where
    it is not given out.

    Raises:
        SampleError: it asks several things, or a kind of thing that nothing is compared with.
    """
    if not sample.answered:
        return ()
    if sample.task == "captioning":
        return sample.references or (sample.caption,)
    if sample.task == "image_text_match":
        return (str(sample.matches),)
    if len(sample.questions or sample.regions) != 1 or sample.task not in _ASKING_ONE:
        raise SampleError(f"sample {sample.id} ({sample.task}) cannot be scored: it has to ask one thing.")
    if sample.task == "visual_grounding":
        return (exact_box_text(sample.regions[0].box),)
    question = sample.questions[0]
    if sample.task == "vqa":
        return question.answers or (question.answer,)
    return (letter_of(question, first_match=True),) if sample.as_published else letters_of(question)


_ASKING_ONE = ("visual_grounding", "vqa", "multiple_choice_vqa", "grounded_multiple_choice_vqa")


def number_of(sample: Sample) -> str:
    """The number that the data set has for what is asked: of its question or expression, or of what is described,
    which a sample of a data set has at the end of its name. Otherwise the name."""
    parts = sample.questions or sample.regions
    own = parts[0].id if len(parts) == 1 else ""
    is_of_a_data_set = sample.id.startswith(f"{sample.source}-")
    return own or (sample.id.rpartition("-")[2] if is_of_a_data_set else sample.id)


def picture_of(sample: Sample) -> str:
    """The picture by the first of its names: what is drawn again for intervals."""
    return next(iter(sample.known_as), sample.image)


def kind_of(sample: Sample) -> str:
    """What its question asks for; empty where that is not known."""
    return sample.questions[0].kind if sample.questions else ""


def read_text(text: str) -> str | None:
    """All of it, on one line: captions."""
    return " ".join(text.split()) or None


def read_letter(text: str) -> str | None:
    """The one capital letter before the first full stop: multiple choice."""
    letter = text.partition(".")[0].strip()
    return letter if re.fullmatch("[A-Z]", letter) else None


def read_truth(text: str) -> str | None:
    """`true` or `false`, in either case: whatever else is said is no answer, and not one of the two."""
    answer = read_short_answer(text)
    return answer if answer in ("true", "false") else None
