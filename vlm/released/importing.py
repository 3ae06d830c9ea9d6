"""From a released checkpoint to a folder of this package (reference-facts, 3).

    DIR/config.json, model*.safetensors or pytorch_model*.bin
        -> OUT/config.json, model*.safetensors, tokenizer.json, released.json

Weights keep their numbers and types. Each is accounted for before the first one is copied: what is missing, unknown or
of another shape is an error. Memory holds one of them at a time.
"""

from pathlib import Path

import torch

from training.config import require
from vlm.architecture import Architecture
from vlm.checkpoint import account
from vlm.model import VisionLanguageModel
from vlm.prompt import Order
from vlm.released.anatomy import family_of, language_of, norm_of
from vlm.released.declaration import read_declared
from vlm.released.encoder import vision_of
from vlm.released.files import Weight, read_weights
from vlm.released.folder import becoming, require_new, require_space
from vlm.released.memory import Head, Memory
from vlm.released.names import BUFFERS, EMBEDDING, HEAD, is_tied, outline, released_name, shapes_of
from vlm.released.shards import write_weights
from vlm.released.sizes import name_of, usual_length
from vlm.vision import image_tokens
from vlm.vocabulary import read_vocabulary

VOCABULARY = "gpt-neox-20b"
"""Of all released models (reference-facts, 2.1)."""


def import_released(
    folder: Path,
    out: Path,
    *,
    vision: str | None = None,
    image_size: int | None = None,
    order: Order = "task-agnostic",
    max_length: int | None = None,
) -> tuple[VisionLanguageModel, Memory]:
    """Writes a released model into a new folder.

    Args:
        folder: of the released model.
        out: must not be there, or be empty.
        vision: the encoder as `VisionSettings` names it, where config.json is wrong about it.
        image_size: side of the pictures in pixels, where config.json is wrong about it.
        order: that the model was trained with, which its checkpoint does not say.
        max_length: tokens that it was trained with at most; by its size unless given.

    Returns:
        The model without weights, on torch's meta device, and what the folder remembers.

    Raises:
        ConfigError, backbones.ModelError: the folder holds no such model, or not all of it; or `out` is taken.
        training.run.StorageError: it cannot be written.
        Nothing is left of what was written by then.
    """
    require_new(out, "the model")
    declared = read_declared(folder)
    held = read_weights(folder)
    require(bool(declared), f"{folder} has no config.json: copy that of the model, too.")
    weights = {name: weight for name, weight in held.items() if not BUFFERS.fullmatch(name)}
    for weight in weights.values():
        require(weight.dtype.is_floating_point, f"{weight.where} is of {weight.dtype}: weights are floating point.")
    shapes = {name: weight.shape for name, weight in weights.items()}
    vocabulary = read_vocabulary(VOCABULARY)
    family, norm = family_of(shapes, folder), norm_of(shapes, folder)
    language = language_of(family, shapes, declared, norm, vocabulary, folder)
    architecture = Architecture(
        language=language,
        vision=vision_of(shapes, declared, folder, name=vision, image_size=image_size),
        norm=norm,
        order=order,
        case="lowered",  # as all their answers were (reference-facts, 8, D7)
        max_length=usual_length(family, language) if max_length is None else max_length,
    )
    model = outline(architecture, vocabulary, folder)
    tokens = image_tokens(model.grid)
    require(
        tokens < architecture.max_length,
        f"a picture of {architecture.vision.image_size} pixels is {tokens:,} tokens and the longest sequence "
        f"{architecture.max_length:,}: give a larger --max-length.",
    )
    head = _settle_head(model, weights)
    ours = {released_name(name, architecture): name for name in shapes_of(model)}
    wanted = {released_name(name, architecture): shape for name, shape in shapes_of(model).items()}
    account(folder, wanted, {name: weight.shape for name, weight in weights.items()})
    memory = Memory(
        model=name_of(family, language), config=declared, head=head, dropped=tuple(sorted(held.keys() - shapes.keys()))
    )
    require_space(out, sum(weight.bytes for weight in weights.values()))
    with becoming(out) as partial:
        write_weights(partial, {ours[name]: weight for name, weight in weights.items()})
        architecture.save_pretrained(partial)
        vocabulary.save(partial)
        memory.save(partial)
    return model, memory


def _settle_head(model: VisionLanguageModel, weights: dict[str, Weight]) -> Head:
    """How the output is stored. A copy of the embedding is taken out of the weights.

    Raises:
        ConfigError: it is no copy, and should be one.
    """
    if not is_tied(model):
        return "own"
    head, embedding = weights.pop(HEAD[model.family], None), weights.get(EMBEDDING[model.family])
    if head is None or embedding is None:
        return "tied"
    is_copy = (head.shape, head.dtype) == (embedding.shape, embedding.dtype)
    require(
        is_copy and torch.equal(head.read(), embedding.read()),
        f"{head.where} is not the embedding, which this model's output is tied to: copy the model again.",
    )
    return "duplicated"
