"""What is usual for a pair: the paper's recipe for pretrained ones, and one for a laptop for those made from scratch.

The paper (section 4, Table 8): EVA-02-L at 336 pixels, five passes of `align` over 558K captions, two of `instruct` over
6.2M samples, 1,024 tokens, and 800 for the largest pair. From scratch a model has everything to learn in minutes: raw
patches of a small picture, both stages at the same rate.
"""

from dataclasses import dataclass, replace
from typing import Any

from backbones.pairs import shape_of
from training.config import Optimisation
from vlm.config import DataSettings, ModelSettings, Stage, TrainConfig, stage_optimisation
from vlm.prompt import Order
from vlm.vision import VisionSettings

PAPER_STEPS: dict[Stage, int] = {"align": 10_901, "instruct": 96_875}
"""5 passes of 558,128 samples by 256; 2 passes of 6.2M samples by 128."""

LONGEST = {"2.8b": 800}
"""max_length of a pair where it is not 1,024."""

SCRATCH_VISION = VisionSettings(name="patches", image_size=64, patch_size=8)
SCRATCH_STEPS: dict[Stage, int] = {"align": 300, "instruct": 3_000}


@dataclass(frozen=True)
class Preset:
    """The settings of a run that go with a model."""

    model: ModelSettings
    max_length: int
    pack_length: int
    steps: dict[Stage, int]
    optimisation: dict[str, Any]
    """What of the optimisation differs from the paper's stage."""

    def run(
        self,
        stage: Stage,
        data: DataSettings,
        order: Order = "task-agnostic",
        *,
        steps: int | None = None,
        start: TrainConfig | str | None = None,
        **optimisation: Any,
    ) -> TrainConfig:
        """A run of a stage; `align` reads captions alone, as in the paper, unless the data name tasks."""
        if stage == "align" and not data.tasks:
            data = replace(data, tasks=("captioning",))
        settings = self.optimisation | optimisation
        return TrainConfig(
            stage=stage,
            model=self.model,
            data=data,
            optimisation=stage_optimisation(stage, self.steps[stage] if steps is None else steps, **settings),
            order=order,
            max_length=self.max_length,
            pack_length=self.pack_length,
            start=start,
        )


def preset_of(name: str, vision: VisionSettings | None = None) -> Preset:
    """What is usual for a language model: a pair and family, a hub name or a folder."""
    if shape_of(name) is None:
        longest = LONGEST.get(name.partition("/")[0], 1024)
        model = ModelSettings(name=name, vision=vision or VisionSettings())
        return Preset(model, longest, 8 * longest, PAPER_STEPS, {})
    model = ModelSettings(name=name, vision=vision or SCRATCH_VISION, vocabulary="world")
    usual: dict[str, Any] = {"batch": 64, "learning_rate": 3e-3, "precision": "fp32"}
    return Preset(model, 512, 1024, SCRATCH_STEPS, usual)


def both_stages(preset: Preset, data: DataSettings, order: Order, **optimisation: Any) -> TrainConfig:
    """`instruct` behind `align`: carrying it out carries out both."""
    align = preset.run("align", data, order)
    return preset.run("instruct", data, order, start=align, **optimisation)


