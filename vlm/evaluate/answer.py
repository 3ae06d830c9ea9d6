"""What a model says to every question of a benchmark: prompts, pictures and generation in batches, kept as it goes.

Questions of one length go together, about one picture next to each other, so that there is little padding and the
encoder sees a picture once a batch. What was said is written to a file after every batch, and read back when the same
evaluation is started again.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Unpack

import torch
from PIL.Image import Image
from tqdm import tqdm

from vlm.evaluate.benchmarks import Benchmark
from vlm.generate import GenerationOptions
from vlm.model import VisionLanguageModel
from vlm.pixels import to_pixels
from vlm.prompt import Layout, Order
from vlm.sample import Sample

BATCH = 64
"""Questions that are answered at once; it changes nothing but speed and memory."""


def answer(
    model: VisionLanguageModel,
    benchmark: Benchmark,
    samples: Sequence[Sample],
    picture: Callable[[str], Image],
    *,
    order: Order,
    said: Path,
    batch: int = BATCH,
) -> list[str]:
    """One text a sample.

    Args:
        picture: opens one, as a sample names it.
        said: file of what has been said so far, by sample id.
    """
    known = _read(said)
    prompts = [model.prompt(sample, order) for sample in samples]
    asked = sorted(
        (n for n, sample in enumerate(samples) if sample.id not in known),
        key=lambda n: (len(prompts[n].ids), samples[n].image, n),
    )
    said.parent.mkdir(parents=True, exist_ok=True)
    bar = tqdm(total=len(samples), initial=len(known), desc=benchmark.name, unit="answer", disable=None, leave=False)
    with open(said, "a", encoding="utf-8") as file, bar:
        for start in range(0, len(asked), batch):
            some = asked[start : start + batch]
            texts = ask(model, [prompts[n] for n in some], picture, max_new_tokens=benchmark.new_tokens)
            for n, text in zip(some, texts, strict=True):
                known[samples[n].id] = text
                file.write(json.dumps([samples[n].id, text]) + "\n")
            file.flush()
            bar.update(len(some))
    return [known[sample.id] for sample in samples]


def ask(
    model: VisionLanguageModel,
    prompts: Sequence[Layout],
    picture: Callable[[str], Image],
    **options: Unpack[GenerationOptions],
) -> list[str]:
    """What the model says to these prompts, about the pictures of their samples.

    Args:
        picture: opens one, as a sample names it.
    """
    images = list(dict.fromkeys(prompt.sample.image for prompt in prompts))
    settings, encoder = model.config.vision, model.encoder
    pixels = torch.stack([to_pixels(picture(image), settings.image_size, encoder.normalisation) for image in images])
    pictures = [images.index(prompt.sample.image) for prompt in prompts]
    return model.generate(prompts, pixels.to(model.device), pictures, **options)


def _read(said: Path) -> dict[str, str]:
    """Text by sample id. A line that is damaged, such as a last one that was cut off in the middle of writing, is
    taken out of the file with all behind it: that is asked again."""
    known: dict[str, str] = {}
    if not said.exists():
        return known
    lines = said.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines):
        try:
            name, text = json.loads(line)
            is_whole = line.endswith(b"\n") and isinstance(name, str) and isinstance(text, str)
        except (ValueError, TypeError):
            is_whole = False
        if not is_whole:
            said.write_bytes(b"".join(lines[:number]))
            break
        known[name] = text
    return known
