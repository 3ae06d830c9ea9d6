"""What is usual for a pair: the paper's recipe for pretrained ones, and one for a laptop for those made from scratch.

The paper (section 4, Table 8): EVA-02-L at 336 pixels, five passes of `align` over 558K captions, two of `instruct`
over 6.2M samples, 1,024 tokens, and 800 for the largest pair; all in bf16, the frozen encoder too. From scratch a model
has everything to learn in minutes: no encoder but patches with their surroundings, and one rate in both stages.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backbones.pairs import shape_of
from vlm.architecture import read_architecture
from vlm.config import DataSettings, ModelSettings, Stage, TrainConfig, stage_optimisation
from vlm.prompt import Order
from vlm.templates import Case
from vlm.vision import VisionSettings

PAPER_STEPS: dict[Stage, int] = {"align": 10_901, "instruct": 96_875}
"""5 passes of 558,128 samples by 256; 2 passes of 6.2M samples by 128."""

LONGEST = {"2.8b": 800}
"""max_length of a pair where it is not 1,024."""

SCRATCH_VISION = VisionSettings(name="placed-patches", image_size=60, patch_size=10)
SCRATCH_STEPS: dict[Stage, int] = {"align": 300, "instruct": 6_000}
SCRATCH_OPTIMISATION: dict[str, Any] = {"batch": 32, "learning_rate": 3e-3, "precision": "fp32"}


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
        *,
        order: Order = "task-agnostic",
        case: Case = "kept",
        steps: int | None = None,
        start: TrainConfig | str | None = None,
        checkpoint_activations: bool = False,
        optimisation: dict[str, Any] | None = None,
    ) -> TrainConfig:
        """A run of a stage; `align` reads captions alone, as in the paper, unless the data name tasks.

        Args:
            steps: as usual unless given.
            optimisation: what differs from what is usual.
        """
        if stage == "align" and not data.tasks:
            data = replace(data, tasks=("captioning",))
        settings = self.optimisation | (optimisation or {})
        return TrainConfig(
            stage=stage,
            model=self.model,
            data=data,
            optimisation=stage_optimisation(stage, self.steps[stage] if steps is None else steps, **settings),
            order=order,
            case=case,
            max_length=self.max_length,
            pack_length=self.pack_length,
            checkpoint_activations=checkpoint_activations,
            start=start,
        )


def preset_of(name: str) -> Preset:
    """What is usual for a language model: a pair and family, a hub name or a folder."""
    if shape_of(name) is None:
        longest = LONGEST.get(name.partition("/")[0], 1024)
        model = ModelSettings(name=name, vision=VisionSettings(precision="bf16"))
        return Preset(model, longest, 8 * longest, PAPER_STEPS, {})
    model = ModelSettings(name=name, vision=SCRATCH_VISION, vocabulary="world")
    return Preset(model, 512, 1024, SCRATCH_STEPS, SCRATCH_OPTIMISATION)


def preset_from(begun: TrainConfig | str, name: str | None) -> Preset:
    """What is usual for a stage that begins with a run, or with the checkpoint in a folder: it keeps the parts of that.

    Args:
        name: the language model, where it is said which; of a checkpoint it is not known, and tiny unless said.

    Raises:
        ConfigError: the folder holds no checkpoint.
    """
    if isinstance(begun, TrainConfig):
        model = replace(begun.model, name=name or begun.model.name)
        return replace(preset_of(model.name), model=model, max_length=begun.max_length, pack_length=begun.pack_length)
    there = read_architecture(Path(begun))
    preset = preset_of(name or f"tiny/{there.family}")
    model = replace(preset.model, vision=there.vision, norm=there.norm, vocabulary=begun)
    longest = there.max_length
    return replace(preset, model=model, max_length=longest, pack_length=max(preset.pack_length, longest))


def changed(
    preset: Preset,
    *,
    vision: dict[str, Any],
    model: dict[str, Any],
    max_length: int | None = None,
    pack_length: int | None = None,
) -> Preset:
    """A preset with other settings where they are given, and not None. Of another encoder nothing is kept."""
    vision, model = ({name: value for name, value in some.items() if value is not None} for some in (vision, model))
    before = preset.model.vision
    is_other = vision.get("name", before.name) != before.name
    settings = VisionSettings(**vision) if is_other else replace(before, **vision)
    preset = replace(preset, model=replace(preset.model, vision=settings, **model))
    longest = max_length or preset.max_length
    return replace(preset, max_length=longest, pack_length=pack_length or max(preset.pack_length, longest))
