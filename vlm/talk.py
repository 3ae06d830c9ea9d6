"""What a model says about pictures of one's own: on the terminal, and for a file of samples."""

import json
import sys
from pathlib import Path
from typing import Any, Unpack, cast

import torch
from tqdm import tqdm

from training.config import require, require_choice
from training.run import require_folder
from vlm.evaluate.answer import ask
from vlm.generate import GenerationOptions
from vlm.model import VisionLanguageModel
from vlm.pictures import open_picture
from vlm.prompt import ORDERS, Layout, Order, lay_out, singles
from vlm.runs import find_models
from vlm.sample import Question, Region, Sample, read_samples

WHOLE = (0.0, 0.0, 1.0, 1.0)
"""Stands for the box that is asked for."""

ASKED = ("vqa", "visual_grounding")


def chat(path: Path, image: Path, task: str, order: str | None, **options: Unpack[GenerationOptions]) -> None:
    """Answers lines of standard input about a picture, until it ends.

    Raises:
        ConfigError, backbones.ModelError: there is no such model or picture.
    """
    require_choice("task", task, ASKED)
    open_picture(image)
    model = _loaded(path)
    asked_in = _order(model, order)
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
    """Answers all samples of a file, each question of those that have several.

    Raises:
        ConfigError, backbones.ModelError: there is no such model, file or picture, or `out` exists.
    """
    require(not out.exists(), f"{out} exists: name a new file.")
    require_folder(out.parent, "the answers")
    asked = [part for sample in read_samples(samples) for part in singles(sample)]
    require(bool(asked), f"{samples} is empty: name a file of samples.")
    model = _loaded(path)
    for image in dict.fromkeys(sample.image for sample in asked):
        open_picture(samples.parent / image)  # all of them, before the first answer
    prompts = [_prompt(model, sample, _order(model, order)) for sample in asked]
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


def _loaded(path: Path) -> VisionLanguageModel:
    found = find_models([path], data=Path())
    require(len(found) == 1, f"{path} holds {len(found)} trained models: name the folder of one of them.")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return VisionLanguageModel.from_pretrained(found[0].checkpoint).to(device)


def _order(model: VisionLanguageModel, said: str | None) -> Order:
    if said is not None:
        require_choice("order", said, ORDERS)
    return cast(Order, said or model.config.order)


def _sample(text: str, image: Path, task: str) -> Sample:
    """What a line asks of a picture; what would be right is not known, and stands in for itself."""
    held: dict[str, Any] = {"task": "captioning", "caption": "?"}
    if text and task == "vqa":
        held = {"task": "vqa", "questions": (Question(question=text, answer="?"),)}
    elif text:
        held = {"task": "visual_grounding", "regions": (Region(box=WHOLE, phrase=text),)}
    return Sample(id="asked", image=image.name, source="chat", **held)


def _prompt(model: VisionLanguageModel, sample: Sample, order: Order) -> Layout:
    return lay_out(sample, order, model.vocabulary, model.grid, case=model.config.case, with_answers=False)


def _said(model: VisionLanguageModel, prompts: list[Layout], folder: Path, options: GenerationOptions) -> list[str]:
    return [text.strip() for text in ask(model, prompts, folder, **options)]
