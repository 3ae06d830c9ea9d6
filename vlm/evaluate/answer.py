"""What a model says to every question of a benchmark: prompts, pictures and generation in batches, kept as it goes.

Questions of one length go together, about one picture next to each other, so that there is little padding and the
encoder sees a picture once a batch. Processes that Accelerate started take every so many-th batch. What was said is
written to a file after every batch, and read back when the same evaluation is started again, by however many.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Never, Unpack

import torch
from accelerate import Accelerator
from PIL.Image import Image
from tqdm import tqdm

from training.config import Precision
from vlm.evaluate.benchmark import Benchmark
from vlm.evaluate.said import Said, write
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
    said: Said,
    accelerator: Accelerator,
    known: Mapping[str, str],
    precision: Precision,
    bar: "tqdm[Never]",
    batch: int = BATCH,
) -> list[str]:
    """One text a sample.

    Args:
        picture: opens one, as a sample names it.
        said: what has been said so far.
        accelerator: knows the processes that answer together. All of them get all texts.
        known: texts by sample id that need not be asked again.
        precision: of arithmetic; bf16 is autocast over the weights as they are, for either family.
        bar: goes on by a step for each answer, of any process.
    """
    if accelerator.is_main_process:
        said.mend()
    accelerator.wait_for_everyone()
    texts = {**known, **said.read()}
    accelerator.wait_for_everyone()  # until all have read, none may write
    lengths = {n: len(model.prompt(one, order).ids) for n, one in enumerate(samples) if one.id not in texts}
    asked = sorted(lengths, key=lambda n: (lengths[n], samples[n].image, n))
    bar.update(len(samples) - len(asked))
    starts = range(0, len(asked), batch)
    mine = starts[accelerator.process_index :: accelerator.num_processes]
    with said.open(accelerator.process_index) as file:
        for start in mine:
            some = [samples[n] for n in asked[start : start + batch]]
            prompts = [model.prompt(sample, order) for sample in some]  # thousands of tokens each: not kept
            with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=precision == "bf16"):
                found = ask(model, prompts, picture, max_new_tokens=benchmark.new_tokens)
            write(file, zip((sample.id for sample in some), found, strict=True))
            bar.update(min(len(some) * accelerator.num_processes, len(asked) - start))  # the others are as far
    accelerator.wait_for_everyone()
    texts |= said.read()
    accelerator.wait_for_everyone()  # until all have read, none may clear
    return [texts[sample.id] for sample in samples]


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
