"""A page of random samples of each task: pictures with boxes, and what is said about them."""

import random
from pathlib import Path

import numpy as np

from training.config import ConfigError, require
from vlm.dataset import open_split
from vlm.inspect.boxes import boxes_of, with_boxes
from vlm.inspect.page import escaped, figure_of, legend, require_file, write_page
from vlm.places import Place
from vlm.sample import TASKS, Sample, Split
from vlm.samples import Samples
from vlm.templates import opening_of, turns_of

SIDE = 320
"""Pixels of the longer side of each picture."""


def sheet(folder: str | Path, split: Split, out: Path, per_task: int = 6, seed: int = 0) -> None:
    """Writes the page. A sample that cannot be used is on it with the sentence that says why.

    Args:
        out: a file that ends in .html.
        per_task: samples of each task, or as many as there are.
        seed: of the choice.

    Raises:
        ConfigError: the folder holds no such split, or `out` cannot be written.
    """
    require_file(out, ".html")
    require(per_task >= 1, f"per_task must be 1 or more, not {per_task}.")
    samples = open_split(folder, split)
    chance = random.Random(seed)
    parts = [legend()]
    tasks = np.array(list(samples.texts("task")))
    for task in TASKS:
        own = np.flatnonzero(tasks == task).tolist()
        if own:
            chosen = chance.sample(own, min(per_task, len(own)))
            parts.append(f"<h2>{task}: {len(chosen)} of {len(own):,}</h2>")
            parts.extend(_card(samples, samples[number]) for number in chosen)
    write_page(out, f"{Place(str(folder)).name}, {split}: {len(samples):,} samples", "\n".join(parts))


def _card(samples: Samples, sample: Sample) -> str:
    boxes = boxes_of(sample)
    about = escaped(" | ".join(filter(None, [sample.id, sample.source, sample.group])))
    try:
        figure = figure_of(with_boxes(samples.picture(sample.image), boxes, SIDE), boxes)
        said = turns_of(sample) if sample.answered else opening_of(sample)
        turns = "".join(f'<p class="turn {turn.role}">{escaped(turn.text)}</p>' for turn in said)
    except ConfigError as error:
        figure, turns = "", f'<p class="refused">{escaped(str(error))}</p>'
    return f'<div class="sample">{figure}<div><p class="quiet">{about}</p>{turns}</div></div>'
