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
"""Questions that are answered at once. In fp32 it changes nothing but speed and memory; in bf16 now and then an answer,
too, where two tokens are about as likely."""


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
    # What a batch says in bf16 can depend on all that is in it: then batches are those of all questions, always.
    left = [n for n, one in enumerate(samples) if precision == "bf16" or one.id not in texts]
    lengths = {n: len(model.prompt(samples[n], order).ids) for n in left}
    left.sort(key=lambda n: (lengths[n], samples[n].image, n))
    batches = [[samples[n] for n in left[start : start + batch]] for start in range(0, len(left), batch)]
    open_ = [some for some in batches if any(one.id not in texts for one in some)]
    bar.update(len(samples) - sum(map(len, open_)))
    together = accelerator.num_processes
    with said.open(accelerator.process_index) as file:
        for first in range(accelerator.process_index, len(open_), together):
            some = open_[first]
            prompts = [model.prompt(sample, order) for sample in some]  # thousands of tokens each: not kept
            with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=precision == "bf16"):
                found = ask(model, prompts, picture, max_new_tokens=benchmark.new_tokens)
            write(file, zip((sample.id for sample in some), found, strict=True))
            bar.update(sum(map(len, open_[first : first + together])))  # the others are as far
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
