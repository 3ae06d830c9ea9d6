"""The paper's runs (sections 4 and 5, appendix B) as configs, with what it leaves open decided once, here.

Fixed by the paper: pretrained weights of both families, EVA-02-L at 336 pixels, five passes of `align` and two of
`instruct` with the optimisation of Table 8 (`vlm.presets` and `vlm.config` hold these), the same samples in the same
order for all models. Fine-tuning: a batch of 64, three learning rates, VQAv2 once and RefCOCOg three times, samples
packed as before, pictures of 336, 448 and 560 pixels.

Open, and decided: AdamW without weight decay, betas 0.9 and 0.999, gradients clipped to a norm of 1 in every stage;
bf16 autocast over fp32 weights; the learning rates of fine-tuning are those below, the same for both families.

Not as in the public implementation, which damages one family or the answers (reference-facts, 1.7, 4.2 and 6.5): Mamba
keeps its RMSNorm, names keep their case, and `instruct` is clipped too.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from backbones.pairs import FAMILIES, name_of
from vlm.config import DataSettings, TrainConfig
from vlm.dataset import digest_of
from vlm.presets import changed, preset_of
from vlm.prompt import Order
from vlm.vision import image_tokens

PAIRS = ("1b", "1.4b", "2.8b")
ALIGN, INSTRUCT = Path("data/align"), Path("data/instruct")
"""Folders of samples, from where a sweep is started."""

MICRO_BATCH = {"1b": 16, "1.4b": 8, "2.8b": 16}
"""Samples that a GPU of 80 GB takes at once, with the hungrier family: the two of a pair have one config. Counted: 18
bytes for each parameter of the language model (weights, gradients and two moments in fp32, a copy in bf16); for each
token, layer and unit of width 40 bytes of activations (what autograd keeps of either family of the pair `small` under
bf16 autocast, on a CPU), or 8 where they are computed again. Mamba at `max_length`: 64, 58 and 69 GB. Not tried on a
GPU."""
CHECKPOINTED = ("2.8b",)
"""Pairs whose activations are computed again going back."""

FINE_TUNING_RATES = (1e-5, 2e-5, 5e-5)
"""The text of the paper that we have lacks its three: these are the rate of `instruct`, half of it, and 2.5 times."""
FINE_TUNING_BATCH = 64
FINE_TUNING_MICRO_BATCH = 4
"""Of twice the tokens at 560 pixels: 58 GB, counted as above."""
FINE_TUNING: dict[str, tuple[Path, int, int]] = {
    "VQAv2": (Path("data/vqa_v2"), 82_783, 1),
    "RefCOCOg": (Path("data/refcocog"), 21_899, 3),
}
"""Folder, training pictures (a packed sample each) and passes."""
IMAGE_SIZES = (336, 448, 560)
PATCH = 14
"""Pixels of a patch of EVA-02-L."""
TEXT_TOKENS = 2_048 - image_tokens((560 // PATCH, 560 // PATCH))
"""Tokens beside the picture in fine-tuning: what is left at 560 pixels of the length that both families were pretrained
with, and as many at the other sizes, so that these see the same text."""


def paper_runs(pairs: Iterable[str] = PAIRS, orders: Iterable[Order] = ("task-agnostic",)) -> Iterator[TrainConfig]:
    """The `instruct` runs of these pairs in these orders. Each begins with the `align` run of its model, which the
    orders share: the paper moves the instruction in `instruct` alone (5.3.1).

    Raises:
        ConfigError: there are no samples in `data/align` or `data/instruct`.
    """
    align, instruct = data_in(ALIGN), data_in(INSTRUCT)
    for pair in pairs:
        for family in FAMILIES:
            preset = preset_of(name_of(pair, family))
            optimisation = {"micro_batch": MICRO_BATCH[pair]}
            checkpointed = pair in CHECKPOINTED
            aligned = preset.run("align", align, checkpoint_activations=checkpointed, optimisation=optimisation)
            for order in orders:
                yield preset.run(
                    "instruct",
                    instruct,
                    order=order,
                    start=aligned,
                    checkpoint_activations=checkpointed,
                    optimisation=optimisation,
                )


def fine_tuning_runs(task: str, starts: Iterable[TrainConfig]) -> Iterator[TrainConfig]:
    """Runs of every size and rate that go on from these `instruct` runs with one task.

    Raises:
        ConfigError: there are no samples in the folder of the task.
    """
    folder, samples, passes = FINE_TUNING[task]
    data = data_in(folder)
    for start in starts:
        for image_size in IMAGE_SIZES:
            grid = (image_size // PATCH, image_size // PATCH)
            longest = image_tokens(grid) + TEXT_TOKENS
            usual = preset_of(start.model.name)
            preset = changed(usual, vision={"image_size": image_size}, model={}, max_length=longest)
            for learning_rate in FINE_TUNING_RATES:
                yield preset.run(
                    "instruct",
                    data,
                    order=start.order,
                    steps=math.ceil(passes * samples / FINE_TUNING_BATCH),
                    start=start,
                    optimisation={
                        "batch": FINE_TUNING_BATCH,
                        "micro_batch": FINE_TUNING_MICRO_BATCH,
                        "learning_rate": learning_rate,
                    },
                )


def data_in(folder: Path) -> DataSettings:
    """All training samples of a folder.

    Raises:
        ConfigError: it holds none.
    """
    return DataSettings(folder=str(folder), digest=digest_of(folder))
