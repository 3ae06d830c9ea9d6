"""CLIP's vision encoder, of transformers (reference-facts, 1.2). The published models take
layer -2 of it; what is taken here unless said is, as of every encoder, the last normalised output."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor
from transformers import AutoConfig, CLIPVisionConfig, CLIPVisionModel

from backbones.errors import first_line
from vlm.vision.encoder import VisionEncoder, VisionError, VisionSettings, load_encoder_weights

POSITIONS = "embeddings.position_embedding.weight"

_BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
_LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
KNOWN: dict[str, dict[str, Any]] = {
    "openai/clip-vit-base-patch32": {**_BASE, "projection_dim": 512, "patch_size": 32, "image_size": 224},
    "openai/clip-vit-base-patch16": {**_BASE, "projection_dim": 512, "patch_size": 16, "image_size": 224},
    "openai/clip-vit-large-patch14": {**_LARGE, "projection_dim": 768, "patch_size": 14, "image_size": 224},
    "openai/clip-vit-large-patch14-336": {**_LARGE, "projection_dim": 768, "patch_size": 14, "image_size": 336},
}
"""Vision models of OpenAI's CLIP by hub name, as their model cards give them: a checkpoint with all weights of one can
be read without a connection."""


class ClipEncoder(VisionEncoder):
    """A CLIP by hub name or folder, of a vision model alone or with its text model, at any resolution."""

    model: CLIPVisionModel

    def __init__(self, settings: VisionSettings) -> None:
        config: Any = _config(settings.source)
        config.image_size = settings.image_size
        super().__init__(settings, patch=config.patch_size, width=config.hidden_size, blocks=config.num_hidden_layers)
        self.hold(CLIPVisionModel(config))
        if settings.pretrained:
            load_encoder_weights(self, _weights(settings.source))

    def features(self, pixels: Tensor) -> Tensor:
        output = self.model(pixels, output_hidden_states=self.block is not None)
        if self.block is None:
            # transformers normalises the class token alone.
            tokens = self.model.post_layernorm(output.last_hidden_state)
        else:
            tokens = output.hidden_states[self.block]
        return cast(Tensor, tokens[:, 1:])

    def adapt(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        adapted = {key.removeprefix("vision_model."): weight for key, weight in weights.items()}
        adapted.pop("embeddings.position_ids", None)  # numbers from 0, in files of older versions
        if POSITIONS in adapted:
            adapted[POSITIONS] = resample_abs_pos_embed(adapted[POSITIONS][None], list(self.grid))[0]
        return adapted


def _config(source: str) -> CLIPVisionConfig:
    """Of a model that is known here, in a folder, or on the hub."""
    if source in KNOWN and not Path(source).is_dir():
        return CLIPVisionConfig(**KNOWN[source], hidden_act="quick_gelu", layer_norm_eps=1e-5)
    folder = Path(source)
    is_path = folder.is_absolute() or source.startswith(".") or source.count("/") > 1  # names on the hub have one /
    if is_path and not folder.is_dir():
        raise VisionError(
            f"{source} is the folder that this model names for its CLIP, and is not there: put it back, or name "
            "another, with --vision of `vlm import` if the model was imported."
        )
    try:
        config: Any = AutoConfig.from_pretrained(source)
    except Exception as error:
        if folder.is_dir():
            raise VisionError(
                f"{source} has no config.json of a CLIP ({first_line(error)}): copy that of the model into it."
            ) from error
        raise VisionError(
            f"{source} is not a model that can be reached ({first_line(error)}): check the name, or connect."
        ) from error
    vision = getattr(config, "vision_config", config)
    if not isinstance(vision, CLIPVisionConfig):
        raise VisionError(f"{source} is no CLIP but {config.model_type}: name a CLIP after clip/.")
    return vision


def _weights(source: str) -> dict[str, Tensor]:
    """All weights of the vision model, at the resolution they were trained at."""
    try:
        loaded: Any = CLIPVisionModel.from_pretrained(source, dtype=torch.float32, output_loading_info=True)
    except Exception as error:  # transformers, safetensors and the hub each raise their own
        raise VisionError(f"{source} does not load as a CLIP ({first_line(error)}): copy or save it again.") from error
    model, info = loaded
    # transformers fills what is missing with random numbers and goes on.
    absent = sorted({*info["missing_keys"], *(str(key) for key in info["mismatched_keys"])})
    if absent:
        raise VisionError(f"{source} lacks {len(absent)} of its weights ({absent[0]}): copy or save the model again.")
    return cast(dict[str, Tensor], model.state_dict())
