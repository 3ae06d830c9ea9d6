"""Where Mamba keeps up with a Transformer in a vision-language model, and where it does not, on a drawn world.

Claim (paper, Tables 1 and 2, section 5.3.3): with everything else equal, Mamba-VL is at least as good as Pythia-VL where
a summary of the picture is enough (captions, questions, choice, match) and worse where something has to be retrieved
from it (grounding); telling the model the task before the picture changes little.

    vlm sweep experiments/world_pair.py --out runs/world_pair --workers 2
    vlm evaluate runs/world_pair --out runs/world_pair/answers --figures figures/world_pair

Both families, both orders, both stages, the same samples in the same order. The world is drawn into data/world_pair.
"""

from collections.abc import Iterator
from pathlib import Path

from backbones.pairs import FAMILIES, name_of
from vlm.config import DataSettings, TrainConfig
from vlm.dataset import digest_of
from vlm.presets import preset_of
from vlm.world.dataset import make_world

WORLD = Path("data/world_pair")
PICTURES, EVALUATION_PICTURES = 20_000, 400
ALIGN_STEPS, STEPS = 200, 6_000


def runs() -> Iterator[TrainConfig]:
    make_world(WORLD, PICTURES, evaluation_images=EVALUATION_PICTURES)  # does nothing once it is there
    data = DataSettings(folder=str(WORLD), digest=digest_of(WORLD))
    for order in ("task-agnostic", "task-aware"):
        for family in FAMILIES:
            preset = preset_of(name_of("tiny", family))
            align = preset.run("align", data, order=order, steps=ALIGN_STEPS)
            yield preset.run("instruct", data, order=order, steps=STEPS, start=align)
