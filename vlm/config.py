"""What one training run of a vision-language model is: a model, data, an order, a stage and how it is optimised.

The defaults are the paper's (section 4 and Table 8): EVA-02-L at 336 pixels, 1,024 tokens, `align` with a batch of 256
at 1e-3, `instruct` with a batch of 128 at 2e-5, cosine decay after warm-up over 3 % of the steps, clipping at 1.0 in
both, bf16 over fp32 weights.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from backbones.pairs import PRETRAINED, SCRATCH, name_of, shape_of
from training.config import Optimisation, conform, require, require_choice
from vlm.architecture import Norm
from vlm.prompt import Order
from vlm.sample import TASKS
from vlm.templates import Case
from vlm.vision import VisionSettings

Stage = Literal["align", "instruct"]
STAGES: tuple[Stage, ...] = get_args(Stage)

TRAINED = {"align": "the connector", "instruct": "the connector and the language model"}


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The parts a model is assembled from, before any training of ours."""

    name: str
    """Language model: a pair and family (`tiny/mamba`, `1.4b/pythia`), a hub name or a folder."""
    vision: VisionSettings = field(default_factory=VisionSettings)
    vocabulary: str = "gpt-neox-20b"
    """See `vlm.vocabulary`."""
    norm: Norm = "rms"
    weight_seed: int = 0
    """Of the connector, and of a language model that is made here."""

    def __post_init__(self) -> None:
        conform(self)
        pair, _, family = self.name.partition("/")
        if pair in (*SCRATCH, *PRETRAINED):
            name_of(pair, family)
        require(
            self.norm == "rms" or family != "pythia",
            "norm layer is a form of Mamba: leave it out for a Transformer.",
        )
        require(
            self.vocabulary != "world" or shape_of(self.name) is not None,
            f"{self.name} has a vocabulary of its own: name gpt-neox-20b, which it was pretrained with.",
        )


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """The samples that are trained on."""

    folder: str
    """As `vlm world` or `vlm prepare` wrote it."""
    digest: str
    """Of the samples in it: a run is known by what it was trained on, and refuses another content."""
    tasks: tuple[str, ...] = ()
    """Of the samples that are taken; none for all."""
    seed: int = 0
    """Of their order, which is the same for every model."""
    validation_samples: int = 256
    """Samples of the validation split that an evaluation while training reads."""

    def __post_init__(self) -> None:
        conform(self)
        for task in self.tasks:
            require_choice("tasks", task, TASKS)
        require(self.validation_samples >= 1, f"validation_samples must be at least 1, not {self.validation_samples}.")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One run.

    Raises:
        ConfigError, backbones.ModelError: a value is impossible, here or in a part.
    """

    stage: Stage
    model: ModelSettings
    data: DataSettings
    optimisation: Optimisation
    order: Order = "task-agnostic"
    case: Case = "kept"
    max_length: int = 1024
    """Most tokens of a sample; 800 for the largest pair in the paper."""
    pack_length: int = 8192
    """Most tokens of a row, in which samples stand one behind the other. A picture is 601 tokens, so that two samples
    seldom fit into 1,024."""
    checkpoint_activations: bool = False
    """Needs less memory and more time."""
    start: "TrainConfig | str | None" = None
    """What the weights are from: another run, which is carried out first; a checkpoint's folder; or nothing."""

    def __post_init__(self) -> None:
        conform(self)
        require(
            self.pack_length >= self.max_length,
            f"pack_length {self.pack_length} is shorter than max_length {self.max_length}: make it as long at least.",
        )
        if isinstance(self.start, TrainConfig):
            vision = replace(self.start.model.vision, image_size=self.model.vision.image_size)
            require(
                replace(self.start.model, vision=vision) == self.model,
                f"a run that begins from {self.start.model.name} goes on with the same model (but for the size of "
                f"pictures), not with {self.model.name} or other parts.",
            )


def stage_optimisation(stage: Stage, steps: int, **others: Any) -> Optimisation:
    """The paper's optimisation of a stage, but for what is said."""
    rate, batch = {"align": (1e-3, 256), "instruct": (2e-5, 128)}[stage]
    settings: dict[str, Any] = {
        "learning_rate": rate,
        "batch": batch,
        "precision": "bf16",
        "evaluations": min(10, steps),
    }
    return Optimisation(steps=steps, **(settings | others))
