"""Which weight is called what on either side, and which of them are one.

    here                                          public implementation
    encoder.model.*                               vision_encoder.* (EVA), vision_encoder.vision_model.* (CLIP)
    connector.{0,2}.*                             vision_embed_tokens.{0,2}.*
    language_model.backbone.embeddings.weight     backbone.embedding.weight
    language_model.lm_head.weight                 embed_out.weight (Pythia)
    language_model.*                              * (reference-facts, 3.2 and 3.3)

An output that is tied to the embedding is stored once here, and may be stored once or twice there.
"""

import re
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from backbones.errors import first_line
from backbones.layer_norm import use_layer_norm
from backbones.scan import mount
from training.config import ConfigError, require
from vlm.architecture import Architecture
from vlm.model import VisionLanguageModel
from vlm.vision import outline_of
from vlm.vocabulary import Vocabulary

EMBEDDING = {"mamba": "backbone.embedding.weight", "pythia": "gpt_neox.embed_in.weight"}
HEAD = {"mamba": "lm_head.weight", "pythia": "embed_out.weight"}
"""By family, as the public implementation calls them."""

ENCODER, CONNECTOR = "vision_encoder.", "vision_embed_tokens."
OF_CLIP = f"{ENCODER}vision_model."

BUFFERS = re.compile(
    r"gpt_neox\.layers\.\d+\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)"
    rf"|{re.escape(OF_CLIP)}embeddings\.position_ids"
)
"""Names of what older files hold beside weights, and every model computes for itself (reference-facts, 3.3)."""

Shapes = Mapping[str, tuple[int, ...]]


def axis(shapes: Shapes, ending: str, number: int, folder: Path) -> int:
    """How long an axis is of the weights whose names end so: of several, what most of them have.

    Raises:
        ConfigError: there are none with this axis.
    """
    least = number + 1 if number >= 0 else -number
    found = [shape[number] for name, shape in shapes.items() if name.endswith(ending) and len(shape) >= least]
    require(bool(found), f"{folder} is not a whole model: it has no {ending} of the right shape, copy it again.")
    return statistics.mode(found)


def count(names: Iterable[str], prefix: str) -> int:
    """How many blocks there are: different numbers after a prefix."""
    numbers = (re.match(rf"{re.escape(prefix)}\.(\d+)\.", name) for name in names)
    return len({number[1] for number in numbers if number})


def outline(architecture: Architecture, vocabulary: Vocabulary, folder: Path) -> VisionLanguageModel:
    """The model without its weights, on torch's meta device.

    Args:
        folder: that the architecture is from.

    Raises:
        ConfigError: such a model cannot be made.
    """
    mount()
    encoder = outline_of(architecture.vision)
    try:
        with torch.device("meta"):
            config = AutoConfig.for_model(**architecture.language)
            language_model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
            if architecture.norm == "layer":
                use_layer_norm(language_model)
            return VisionLanguageModel(architecture, language_model, encoder, vocabulary)
    except Exception as error:  # transformers and its checks of configs each raise their own
        raise ConfigError(
            f"{folder} describes a language model that cannot be made ({first_line(error)}): copy the model again."
        ) from error


def shapes_of(model: VisionLanguageModel) -> dict[str, tuple[int, ...]]:
    """The shapes of all that a checkpoint of this model holds, those that are tied once."""
    once = {name for name, _ in model.named_parameters()} | {name for name, _ in model.named_buffers()}
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items() if name in once}


def is_tied(model: VisionLanguageModel) -> bool:
    """Whether the output is the embedding."""
    return model.head.weight is model.language_model.get_input_embeddings().weight


def released_name(name: str, architecture: Architecture) -> str:
    """What the public implementation calls a weight of ours."""
    part, _, rest = name.partition(".")
    if part == "encoder":
        return (OF_CLIP if architecture.vision.kind == "clip" else ENCODER) + rest.removeprefix("model.")
    if part == "connector":
        return CONNECTOR + rest
    own = {"backbone.embeddings.weight": EMBEDDING["mamba"], "lm_head.weight": HEAD[architecture.family]}
    return own.get(rest, rest)
