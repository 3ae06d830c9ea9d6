"""A sample: one picture with one or more turns of one task, as it leaves the data side, and how it is kept on disk.

What a sample holds depends on its task (reference-facts, section 4; paper, Table 6 and appendix B):

    captioning, grounded_captioning     caption; in the latter `<coords_k>` stands for the k-th of `boxes`
    dense_captioning, visual_grounding  regions
    vqa, multiple_choice_vqa,           questions; with options in the latter two, which are boxes in the last
    grounded_multiple_choice_vqa
    image_text_match                    caption, matches
    chat                                replies: what was said by turns, the person first

Boxes are x1, y1, x2, y2 as shares of the picture's width and height, from 0 to 1. A file of samples is JSON lines, with
pictures named relative to its folder; `vlm.data` keeps the same schema as Parquet.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from training.config import ConfigError

Task = Literal[
    "vqa",
    "multiple_choice_vqa",
    "grounded_multiple_choice_vqa",
    "captioning",
    "grounded_captioning",
    "dense_captioning",
    "visual_grounding",
    "image_text_match",
    "chat",
]
TASKS: tuple[Task, ...] = get_args(Task)

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

Box = tuple[float, float, float, float]


class SampleError(ConfigError):
    """A sample that cannot be used. The message is one sentence that names it and says why."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A box and what is in it."""

    box: Box
    phrase: str
    id: str = ""
    """Its number in its data set."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question and its answer, which is one of the options where there are any."""

    question: str
    answer: str
    options: tuple[str, ...] | tuple[Box, ...] = ()
    kind: str = ""
    """What is asked for (colour, count), for tables of results."""
    id: str = ""
    """Its number in its data set, which test servers ask for."""
    answers: tuple[str, ...] = ()
    """What all annotators answered, where there are several."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """See the module. `references` are all the captions that a prediction is compared with.

    Raises:
        SampleError: something is missing for the task, or a box lies outside of the picture.
    """

    id: str
    image: str
    """Path relative to the file of samples."""
    task: Task
    source: str
    """Data set that it is from; for benchmarks, what is reported together."""
    caption: str = ""
    references: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    regions: tuple[Region, ...] = ()
    questions: tuple[Question, ...] = ()
    matches: bool | None = None
    replies: tuple[str, ...] = ()
    context: str = ""
    """Text that goes with the instruction, such as what was read in the picture."""
    prompt: str = ""
    """An instruction of the sample's own, in place of the task's."""
    group: str = ""
    """Part of a benchmark that is reported apart, such as combinations that were not trained on."""
    known_as: tuple[str, ...] = ()
    """What data sets call the picture (`coco:391895`, `vg:2343077`): one picture is known under all its names."""
    answered: bool = True
    """False in a test set whose answers are not given out: it can be asked, and not be trained on."""
    as_published: bool = False
    """Laid out as by the public implementation, where that is known to be wrong: see `vlm.templates`."""

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise SampleError(f"sample {self.id}: the task must be one of {', '.join(TASKS)}, not {self.task!r}.")
        needed = _NEEDED[self.task] if self.answered else _ASKED[self.task]
        lacking = [name for name in needed if getattr(self, name) in ("", (), None)]
        if lacking:
            raise SampleError(f"sample {self.id} ({self.task}) has no {' and no '.join(lacking)}.")
        for box in boxes_in(self):
            if len(box) != 4 or not (0 <= box[0] <= box[2] <= 1 and 0 <= box[1] <= box[3] <= 1):
                raise SampleError(f"sample {self.id}: box {list(box)} does not lie inside the picture (0 to 1).")


_NEEDED: dict[Task, tuple[str, ...]] = {
    "captioning": ("caption",),
    "grounded_captioning": ("caption",),
    "dense_captioning": ("regions",),
    "visual_grounding": ("regions",),
    "vqa": ("questions",),
    "multiple_choice_vqa": ("questions",),
    "grounded_multiple_choice_vqa": ("questions",),
    "image_text_match": ("caption", "matches"),
    "chat": ("replies",),
}

_ASKED: dict[Task, tuple[str, ...]] = _NEEDED | {
    "captioning": (),
    "grounded_captioning": (),
    "image_text_match": ("caption",),
}
"""The same where the answers are not known."""


def boxes_in(sample: Sample) -> Iterator[Box]:
    """All boxes of a sample: those of its caption and its regions, and the options that are boxes."""
    yield from sample.boxes
    yield from (region.box for region in sample.regions)
    for question in sample.questions:
        for option in question.options:
            if not isinstance(option, str):
                yield option


_OF_PARTS = {"id", "answers"}
"""Of regions and questions: left out where they are empty."""

_USUAL = {"answered": True, "as_published": False}
"""Left out where they are so."""


def to_line(sample: Sample) -> str:
    """A sample as a line of JSON; what it does not hold is left out."""
    written = dataclasses.asdict(sample)
    for part in (*written["regions"], *written["questions"]):
        for name in _OF_PARTS & part.keys():
            if not part[name]:
                del part[name]
    held = {name: value for name, value in written.items() if value not in ("", (), None)}
    return json.dumps({name: value for name, value in held.items() if _USUAL.get(name) is not value})


def from_line(line: str) -> Sample:
    """The reverse of `to_line`.

    Raises:
        SampleError: the line is no sample.
    """
    try:
        read: dict[str, Any] = json.loads(line)
        read["boxes"] = tuple(tuple(box) for box in read.get("boxes", ()))
        read["regions"] = tuple(Region(**{**r, "box": tuple(r["box"])}) for r in read.get("regions", ()))
        read["questions"] = tuple(
            Question(
                **{
                    **q,
                    "options": tuple(o if isinstance(o, str) else tuple(o) for o in q.get("options", ())),
                    "answers": tuple(q.get("answers", ())),
                }
            )
            for q in read.get("questions", ())
        )
        for name in ("references", "replies", "known_as"):
            read[name] = tuple(read.get(name, ()))
        return Sample(**read)
    except SampleError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SampleError(f"not a sample ({error}): {line.strip()[:80]}") from error


def write_samples(path: Path, samples: Iterable[Sample]) -> int:
    """Writes a file of samples; gives their number."""
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for sample in samples:
            file.write(to_line(sample) + "\n")
            count += 1
    return count


def read_samples(path: Path, parse: Callable[[str], Sample] = from_line) -> list[Sample]:
    """All samples of a file.

    Args:
        parse: makes a sample of a line, or raises SampleError.

    Raises:
        SampleError: there is no such file, or a line of it is no sample.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SampleError(
            f"{path} cannot be read as a file of samples: make one with `vlm prepare` or `vlm world`."
        ) from error
    samples = []
    for number, line in enumerate(lines, start=1):
        try:
            samples.append(parse(line))
        except SampleError as error:
            raise SampleError(f"{path}, line {number}: {error}") from error
    return samples
