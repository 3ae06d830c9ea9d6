"""What a model says about pictures of one's own: on the terminal, and for a file of samples."""

import dataclasses
import io
import json
import sys
from pathlib import Path
from typing import Any, Unpack, cast

from tqdm import tqdm

from training.config import require, require_choice
from training.run import require_folder
from vlm.evaluate.answer import ask
from vlm.generate import GenerationOptions
from vlm.model import VisionLanguageModel
from vlm.pictures import open_picture
from vlm.prompt import ORDERS, Layout, Order, singles
from vlm.runs import find_model
from vlm.sample import Question, Region, Sample, from_line, read_samples
from vlm.templates import box_text

UNKNOWN, WHOLE = "?", (0.0, 0.0, 1.0, 1.0)
"""Stand for the text and the box that are asked for."""

ASKED = ("vqa", "visual_grounding")


def chat(path: Path, image: Path, task: str, order: str | None, **options: Unpack[GenerationOptions]) -> None:
    """Answers lines of standard input about a picture, until it ends.

    Raises:
        ConfigError, backbones.ModelError: there is no such model or picture.
    """
    require_choice("task", task, ASKED)
    _check(order, options)
    open_picture(image)
    model = find_model(path).load()
    asked_in = cast(Order, order or model.config.order)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    is_person = sys.stdin.isatty()
    if is_person:
        print("A question a line; an empty line for a caption; Ctrl-D to end.")
    while True:
        if is_person:
            print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            break
        prompt = _prompt(model, _sample(line.strip(), image, task), asked_in)
        print(_said(model, [prompt], image.parent, options)[0], flush=True)


def generate_file(
    path: Path, samples: Path, out: Path, order: str | None, batch: int, **options: Unpack[GenerationOptions]
) -> None:
    """Answers all samples of a file, each question of those that have several. What would be right may be left out.

    Raises:
        ConfigError, backbones.ModelError: there is no such model, file or picture, or `out` exists.
    """
    require(not out.exists(), f"{out} exists: name a new file.")
    require_folder(out.parent, "the answers")
    _check(order, options)
    asked = [part for sample in read_samples(samples, asked_in_line) for part in singles(sample)]
    require(bool(asked), f"{samples} is empty: name a file of samples.")
    model = find_model(path).load()
    for image in dict.fromkeys(sample.image for sample in asked):
        open_picture(samples.parent / image)  # all of them, before the first answer
    prompts = [_prompt(model, sample, cast(Order, order or model.config.order)) for sample in asked]
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    try:
        with open(partial, "w", encoding="utf-8") as file, tqdm(total=len(prompts), unit="answer", disable=None) as bar:
            for start in range(0, len(prompts), batch):
                some = prompts[start : start + batch]
                for prompt, text in zip(some, _said(model, some, samples.parent, options), strict=True):
                    line = {"id": prompt.sample.id, "image": prompt.sample.image, "text": text}
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
                bar.update(len(some))
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def asked_in_line(line: str) -> Sample:
    """A sample from a line of a file that may lack what is asked for: the answer to a question, a region's box or
    phrase, a caption, whether a caption matches, or the last reply of a chat. Stand-ins take their places.

    Raises:
        SampleError: the line is no sample.
    """
    try:
        filled = json.dumps(_filled(json.loads(line)))
    except (ValueError, TypeError, AttributeError):
        filled = line  # what is wrong with it is said where samples are read
    return from_line(filled)


def _filled(read: dict[str, Any]) -> dict[str, Any]:
    task = read.get("task")
    for question in read.get("questions", ()):
        if not question.get("answer", "").strip():
            option = (question.get("options") or [UNKNOWN])[0]
            question["answer"] = option if isinstance(option, str) else box_text(option)
    for region in read.get("regions", ()):
        if task == "dense_captioning":
            region.setdefault("phrase", UNKNOWN)
        else:
            region.setdefault("box", WHOLE)
    if task in ("captioning", "grounded_captioning"):
        read.setdefault("caption", UNKNOWN)
    elif task == "image_text_match":
        read.setdefault("matches", False)
    elif task == "chat" and len(read.get("replies", ())) % 2:
        read["replies"].append(UNKNOWN)
    return read


def _check(order: str | None, options: GenerationOptions) -> None:
    """Raises ConfigError where something is asked for that cannot be, before a model is loaded."""
    if order is not None:
        require_choice("order", order, ORDERS)
    require(options.get("top_p", 1.0) > 0, "--top-p is a share above 0: leave it out to draw among all tokens.")


def _sample(text: str, image: Path, task: str) -> Sample:
    """What a line asks of a picture; what would be right is not known, and stands in for itself."""
    held: dict[str, Any] = {"task": "captioning", "caption": UNKNOWN}
    if text and task == "vqa":
        held = {"task": "vqa", "questions": (Question(question=text, answer=UNKNOWN),)}
    elif text:
        held = {"task": "visual_grounding", "regions": (Region(box=WHOLE, phrase=text),)}
    return Sample(id="asked", image=image.name, source="chat", **held)


def _prompt(model: VisionLanguageModel, sample: Sample, order: Order) -> Layout:
    """What is read before the first answer; of a chat that ends with what the person said, all of it."""
    is_open = sample.task == "chat" and len(sample.replies) % 2 == 0 and sample.replies[-1] == UNKNOWN
    layout = model.prompt(sample, order, with_answers=is_open)
    if not is_open:
        return layout
    *pieces, last = layout.pieces
    ids, labels = layout.ids[: last.start], layout.labels[: last.start]
    return dataclasses.replace(layout, ids=ids, labels=labels, pieces=tuple(pieces))


def _said(model: VisionLanguageModel, prompts: list[Layout], folder: Path, options: GenerationOptions) -> list[str]:
    return [text.strip() for text in ask(model, prompts, lambda image: open_picture(folder / image), **options)]
