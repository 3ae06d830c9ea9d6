"""From settings to a model with its first weights: language model, encoder and connector put together."""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from backbones.embeddings import vocabulary_matrices
from backbones.layer_norm import use_layer_norm
from backbones.models import check, family_of, load
from backbones.pairs import FAMILIES, PRETRAINED, SCRATCH, ModelError, shape_of
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
        model = VisionLanguageModel(architecture, language_model, encoder, vocabulary)
    if model.family not in FAMILIES:
        _check_isolation(model, settings.name)
    return model


@torch.no_grad()
def _check_isolation(model: VisionLanguageModel, name: str) -> None:
    """Raises ModelError where a language model of another family mixes packed samples: most Transformers of
    transformers keep them apart as Pythia does, and recurrent models do not."""
    width = model.language_model.config.get_text_config().hidden_size
    embeddings = torch.randn(2, 8, width, generator=torch.Generator().manual_seed(0))
    embeddings[1, 4:] = embeddings[0, 4:]  # the second sample is the same in both rows, the first is not
    starts = (torch.arange(8) % 4 == 0).expand(2, 8)
    model.language_model.eval()
    try:
        first, second = model.hidden(embeddings, starts, torch.arange(8).expand(2, 8) % 4)[:, 4:]
    except Exception as error:  # whatever a model that was not made for this does
        raise ModelError(
            f"{name} cannot read packed samples ({type(error).__name__}): choose another model."
        ) from error
    finally:
        model.language_model.train()
    if not torch.allclose(first, second, atol=1e-4):
        raise ModelError(f"{name} does not keep packed samples apart: choose a Transformer, or Mamba-1.")


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
    shape, described = shape_of(settings.name), check(settings.name)
    if shape is not None:
        asked_for = (family, shape.width, shape.layers)
    else:
        text: Any = described.get_text_config() if described else None
        asked_for = (family_of(text), text.hidden_size, text.num_hidden_layers)
    held = (there.family, there.language.get("hidden_size"), there.language.get("num_hidden_layers"))
    require(
        held == asked_for,
        f"{folder} holds a model of width {held[1]} and {held[2]} layers, and the run asks for {settings.name}, of "
        f"width {asked_for[1]} and {asked_for[2]}: name the model that it is of.",
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
