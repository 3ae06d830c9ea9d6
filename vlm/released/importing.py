"""From a released checkpoint to a folder of this package (reference-facts, 3).

    DIR/config.json, model*.safetensors or pytorch_model*.bin
        -> OUT/config.json, model*.safetensors, tokenizer.json, released.json

Weights keep their numbers and types. Each is accounted for before the first one is copied: what is missing, unknown or
of another shape is an error. Memory holds one of them at a time.
"""

from pathlib import Path
from typing import NamedTuple, TypedDict, Unpack

import torch

from training.config import require
from vlm.architecture import CONFIG, Architecture
from vlm.checkpoint import account
from vlm.model import VisionLanguageModel
from vlm.prompt import Order
from vlm.released.anatomy import family_of, language_of, norm_of
from vlm.released.declaration import read_declared
from vlm.released.encoder import vision_of
from vlm.released.files import FLOATING, Weight, read_weights
from vlm.released.folder import becoming, require_new, require_space
from vlm.released.names import BUFFERS, EMBEDDING, HEAD, is_tied, outline, released_name, shapes_of
from vlm.released.origin import Head, Origin
from vlm.released.shards import write_weights
from vlm.sizes import name_of, usual_length
from vlm.vision import image_tokens
from vlm.vocabulary import read_vocabulary

VOCABULARY = "gpt-neox-20b"
"""Of all released models (reference-facts, 2.1)."""


class Released(NamedTuple):
    """A released model, looked at and found whole."""

    model: VisionLanguageModel
    """Without weights, on torch's meta device."""
    weights: dict[str, Weight]
    """By our names, not read yet."""
    origin: Origin


class Stated(TypedDict, total=False):
    """What a checkpoint does not say, or says wrong."""

    vision: str | None
    """The encoder, as `VisionSettings` names it, where config.json is wrong about it."""
    image_size: int | None
    """Side of the pictures in pixels, where config.json is wrong about it."""
    order: Order
    """That the model was trained with; task-agnostic unless given."""
    max_length: int | None
    """Tokens that it was trained with at most; by its size unless given."""


def import_released(folder: Path, out: Path, **said: Unpack[Stated]) -> Released:
    """Writes a released model into a new folder.

    Args:
        folder: of the released model.
        out: must not be there, or be empty.

    Raises:
        ConfigError, backbones.ModelError: the folder holds no such model, or not all of it; or `out` is taken.
        training.run.StorageError: it cannot be written.
        Nothing is left of what was written by then.
    """
    require_new(out, "the model")
    released = read_released(folder, **said)
    require_space(out, sum(weight.bytes for weight in released.weights.values()))
    with becoming(out) as partial:
        write_weights(partial, released.weights)
        released.model.config.save_pretrained(partial)
        released.model.vocabulary.save(partial)
        released.origin.save(partial)
    return released


def read_released(folder: Path, **said: Unpack[Stated]) -> Released:
    """A released model, each of whose weights is accounted for.

    Raises:
        ConfigError, backbones.ModelError: the folder holds no such model, or not all of it.
    """
    declared = read_declared(folder)
    held = read_weights(folder)
    require((folder / CONFIG).exists(), f"{folder} has no {CONFIG}: copy that of the model, too.")
    weights = {name: weight for name, weight in held.items() if not BUFFERS.fullmatch(name)}
    for weight in weights.values():
        require(weight.dtype in FLOATING, f"{weight.where} is of {weight.dtype}, as no weights are: copy it again.")
    shapes = {name: weight.shape for name, weight in weights.items()}
    vocabulary = read_vocabulary(VOCABULARY)
    family, norm = family_of(shapes, folder), norm_of(shapes, folder)
    language = language_of(family, shapes, declared, norm, vocabulary, folder)
    vision = vision_of(shapes, declared, folder, name=said.get("vision"), image_size=said.get("image_size"))
    longest = said.get("max_length")
    architecture = Architecture(
        language=language,
        vision=vision,
        norm=norm,
        order=said.get("order", "task-agnostic"),
        case="lowered",  # as all their answers were (reference-facts, 8, D7)
        max_length=usual_length(family, language) if longest is None else longest,
    )
    model = outline(architecture, vocabulary, folder)
    tokens = image_tokens(model.grid)
    require(
        tokens < architecture.max_length,
        f"a picture of {vision.image_size} pixels is {tokens:,} tokens and the longest sequence "
        f"{architecture.max_length:,}: give a larger --max-length.",
    )
    head = _settle_head(model, weights, folder)
    ours = {released_name(name, architecture): name for name in shapes_of(model)}
    wanted = {released_name(name, architecture): shape for name, shape in shapes_of(model).items()}
    account(folder, wanted, {name: weight.shape for name, weight in weights.items()})
    origin = Origin(
        model=name_of(family, language), config=declared, head=head, dropped=tuple(sorted(held.keys() - shapes.keys()))
    )
    return Released(model, {ours[name]: weight for name, weight in weights.items()}, origin)


def _settle_head(model: VisionLanguageModel, weights: dict[str, Weight], folder: Path) -> Head:
    """How the output is stored. A copy of the embedding is taken out of the weights.

    Raises:
        ConfigError: it is no copy, and should be one.
    """
    if not is_tied(model):
        return "own"
    head, embedding = weights.pop(HEAD[model.family], None), weights.get(EMBEDDING[model.family])
    if head is None or embedding is None:
        return "tied"
    is_alike = (head.shape, head.dtype) == (embedding.shape, embedding.dtype)
    is_copy = is_alike and torch.equal(head.read(), embedding.read())
    require(
        is_copy or model.family != "pythia",
        f"{folder / CONFIG} has tie_word_embeddings true, and {head.where} is an output of its own, as every Pythia "
        "has: set tie_word_embeddings to false.",
    )
    require(is_copy, f"{head.where} is not the embedding, which this model's output is tied to: copy the model again.")
    return "duplicated"
