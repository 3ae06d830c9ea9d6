"""What a run takes on GPUs: counted from its config, nothing is loaded.

Operations for each parameter and token: 2 forward and 4 back; 2 back where the language model is frozen (`align`), 2
more where activations are computed again, and 2 for the encoder, which only goes forward. Connector, attention, scan
and evaluations are left out, and rows of the vocabulary counted as if each token read them all. Within a factor of two.
"""

from functools import cache

import torch
from transformers import AutoModelForCausalLM

from backbones.models import check, load, parameters_in
from backbones.pairs import PARAMETERS, shape_of, source_of
from vlm.config import ModelSettings, TrainConfig
from vlm.vision import VisionSettings, image_tokens, outline_of
from vlm.vocabulary import read_vocabulary

GPU = "H100"
PEAK = 989e12
"""Operations a second of a GPU in bf16, dense, as its maker says."""
UTILISATION = 0.4
"""Share of it that a training step is taken to reach, with either family."""
TEXT_TOKENS = 100
"""Tokens that a sample is taken to have beside its picture."""

OPERATIONS = {"align": 4, "instruct": 6}
"""For each parameter of the language model and token."""


def gpu_hours(config: TrainConfig) -> float:
    """Hours on one GPU.

    Raises:
        ConfigError, backbones.ModelError: the language model or the encoder is of a hub or a folder that cannot be
            reached.
    """
    encoder_parameters, grid = _encoder(config.model.vision)
    tokens = min(image_tokens(grid) + TEXT_TOKENS, config.max_length)
    operations = OPERATIONS[config.stage] + 2 * config.checkpoint_activations
    language = operations * _language_parameters(config.model) * tokens
    vision = 2 * encoder_parameters * grid[0] * grid[1]
    samples = config.optimisation.steps * config.optimisation.batch
    return samples * (language + vision) / (PEAK * UTILISATION) / 3600


@cache
def _encoder(settings: VisionSettings) -> tuple[int, tuple[int, int]]:
    """Parameters, and rows and columns of patches."""
    encoder = outline_of(settings)
    return parameters_in(encoder), encoder.grid


@cache
def _language_parameters(settings: ModelSettings) -> int:
    known = PARAMETERS.get(source_of(settings.name))
    if known is not None:
        return known
    with torch.device("meta"):
        if shape_of(settings.name) is not None:
            return parameters_in(load(settings.name, vocabulary=read_vocabulary(settings.vocabulary).rows))
        return parameters_in(AutoModelForCausalLM.from_config(check(settings.name)))
