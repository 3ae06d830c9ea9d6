"""Where Mamba keeps up with a Transformer in a vision-language model, and where it does not, on a drawn world.

Claim       Everything else equal, Mamba-VL is level with Pythia-VL where a summary of the picture is enough (captions,
            questions, choice, match) and behind where something has to be retrieved from it (grounding): the paper's
            Tables 1 and 2. Telling the task before the picture changes little: its Figure 4.
Command     vlm sweep experiments/world_pair.py --out runs/world_pair --workers 2
            vlm evaluate runs/world_pair --out runs/world_pair/answers --figures figures/world_pair
            The world is drawn into data/world_pair first.
Expected    To be measured.
Cost        To be measured.
"""

from collections.abc import Iterator
from pathlib import Path

from backbones.pairs import FAMILIES, name_of
from vlm.config import DataSettings, TrainConfig
from vlm.dataset import digest_of
from vlm.presets import preset_of
from vlm.prompt import Order
from vlm.world.dataset import make_world

WORLD = Path("data/world_pair")
PICTURES, EVALUATION_PICTURES = 20_000, 300
ALIGN_STEPS, STEPS = 300, 6_000
ORDERS: tuple[Order, ...] = ("task-agnostic", "task-aware")


def runs() -> Iterator[TrainConfig]:
    make_world(WORLD, PICTURES, evaluation_images=EVALUATION_PICTURES)  # nothing is done where it is there
    data = DataSettings(folder=str(WORLD), digest=digest_of(WORLD))
    for order in ORDERS:
        for family in FAMILIES:
            preset = preset_of(name_of("tiny", family))
            # As in the paper, the orders part in the second stage.
            aligned = preset.run("align", data, steps=ALIGN_STEPS)
            yield preset.run("instruct", data, order=order, steps=STEPS, start=aligned)
