"""From settings to a model with its first weights: language model, encoder and connector put together."""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from backbones.embeddings import vocabulary_matrices
from backbones.layer_norm import use_layer_norm
from backbones.models import load
from backbones.pairs import PRETRAINED, SCRATCH, shape_of
from training.config import require
from vlm.architecture import Architecture, read_architecture
from vlm.checkpoint import files_of
from vlm.config import ModelSettings, TrainConfig
from vlm.model import VisionLanguageModel
from vlm.vision import build_encoder
from vlm.vocabulary import read_vocabulary


def assemble(settings: ModelSettings, **of_layout: Any) -> VisionLanguageModel:
    """A model of these parts. What is made here is drawn from `weight_seed`; the global generator is left alone.

    Args:
        of_layout: order, case and max_length of the `Architecture`.

    Raises:
        ConfigError, backbones.ModelError: a part cannot be had, or they do not fit each other.
    """
    vocabulary = read_vocabulary(settings.vocabulary)
    language_model = load(settings.name, vocabulary=vocabulary.rows, seed=settings.weight_seed)
    rows = vocabulary_matrices(language_model)[0].shape[0]
    require(
        rows >= vocabulary.rows,
        f"{settings.name} has {rows:,} rows for the {vocabulary.rows:,} tokens of {settings.vocabulary}: "
        "choose a model that was trained with this vocabulary.",
    )
    if settings.norm == "layer":
        use_layer_norm(language_model)
    architecture = Architecture(
        language=language_model.config.to_dict(), vision=settings.vision, norm=settings.norm, **of_layout
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.weight_seed)
        encoder = build_encoder(settings.vision)
        return VisionLanguageModel(architecture, language_model, encoder, vocabulary)


def restarted(folder: Path, config: TrainConfig) -> VisionLanguageModel:
    """The model in a folder, to be trained further as a config says.

    Raises:
        ConfigError, backbones.ModelError: there is none, or it is not of the config's family and parts.
    """
    check_start(folder, config.model)
    model = VisionLanguageModel.from_pretrained(folder, config.model.vision.image_size)
    model.config = dataclasses.replace(model.config, order=config.order, case=config.case, max_length=config.max_length)
    return model.train()


def check_start(folder: Path, settings: ModelSettings) -> None:
    """Raises ConfigError or backbones.ModelError where a folder holds no model, or one that is not of this family and
    these parts: only the size of pictures may be another."""
    there = read_architecture(folder)
    files_of(folder)
    pair, _, family = settings.name.partition("/")
    require(
        pair not in (*SCRATCH, *PRETRAINED) or family == there.family,
        f"{folder} holds a {there.family} model, and the run asks for {settings.name}: name one of the same family.",
    )
    shape, width = shape_of(settings.name), there.language.get("hidden_size")
    require(
        shape is None or shape.width == width,
        f"{folder} holds a model of width {width}, and the run asks for {settings.name}: name the pair that it is of.",
    )
    asked = settings.vision
    require(
        dataclasses.replace(there.vision, pretrained=asked.pretrained, image_size=asked.image_size) == asked,
        f"{folder} has the vision encoder {there.vision.name}, and the run asks for {settings.vision.name} with other "
        "settings: make them the same.",
    )
    require(
        there.norm == settings.norm,
        f"{folder} has norm {there.norm}, and the run asks for {settings.norm}: make them the same.",
    )
