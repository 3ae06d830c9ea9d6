"""What a vision-language model is made of, as its checkpoint says it: everything but the weights and the tokenizer."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from backbones.pairs import MODEL_TYPES
from training.config import ConfigError, from_dict, require_choice
from vlm.prompt import ORDERS, Order
from vlm.templates import Case
from vlm.vision import VisionSettings

MODEL_TYPE = "vision-language"
CONFIG = "config.json"

Norm = Literal["rms", "layer"]
"""Of Mamba's blocks. layer: the released Mamba-VL models' form, see `backbones.layer_norm`."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """See the module. What the model was trained to read (order, case, length) is what it is asked in, unless said.

    Raises:
        ConfigError: a value is impossible.
    """

    language: dict[str, Any]
    """The language model's config, as transformers writes it."""
    vision: VisionSettings
    norm: Norm = "rms"
    order: Order = "task-agnostic"
    case: Case = "kept"
    max_length: int = 1024

    @property
    def family(self) -> str:
        """`pythia`, `mamba`, or what transformers calls any other."""
        said = str(self.language.get("model_type"))
        return MODEL_TYPES.get(said, said)

    def __post_init__(self) -> None:
        require_choice("order", self.order, ORDERS)
        require_choice("norm", self.norm, get_args(Norm))
        require_choice("case", self.case, get_args(Case))

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes `config.json` into a folder."""
        described = {"model_type": MODEL_TYPE, **asdict(self)}
        (Path(folder) / CONFIG).write_text(json.dumps(described, indent=1), encoding="utf-8")


def read_architecture(folder: Path) -> Architecture:
    """The architecture of a checkpoint.

    Raises:
        ConfigError: the folder holds none.
    """
    try:
        described = cast(dict[str, Any], json.loads((folder / CONFIG).read_text(encoding="utf-8")))
        is_ours = described.pop("model_type") == MODEL_TYPE
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{folder} holds no vision-language model: name the checkpoint folder of a run.") from error
    if not is_ours:
        raise ConfigError(f"{folder} holds a language model without a vision part: name the checkpoint of `vlm train`.")
    return from_dict(Architecture, described)
