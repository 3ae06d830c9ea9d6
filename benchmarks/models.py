"""Vision-language models to measure: shapes of all pairs, weights drawn, so that nothing is downloaded."""

from typing import Any

import torch
from transformers import AutoModelForCausalLM, GPTNeoXConfig, MambaConfig, PreTrainedModel

from backbones import load
from backbones.pairs import SCRATCH, ModelError
from backbones.scan import mount
from benchmarks.timing import DEVICE
from vlm.architecture import Architecture
from vlm.model import VisionLanguageModel
from vlm.prompt import Layout, lay_out
from vlm.sample import Sample
from vlm.vision import VisionSettings, build_encoder
from vlm.vocabulary import read_vocabulary

VOCABULARY = 50_304
"""Rows that the pretrained models have for the 50,277 tokens of GPT-NeoX-20B."""

VISION = VisionSettings(name="patches", image_size=336, patch_size=14)
"""601 tokens a picture as with the paper's encoder, which is the same for both families and not measured."""

SHAPES: dict[str, dict[str, tuple[int, int, int]]] = {
    "160m": {"pythia": (768, 12, 12), "mamba": (768, 24, 0)},
    "410m": {"pythia": (1024, 24, 16), "mamba": (1024, 48, 0)},
    "1b": {"pythia": (2048, 16, 8), "mamba": (1536, 48, 0)},
    "1.4b": {"pythia": (2048, 24, 16), "mamba": (2048, 48, 0)},
    "2.8b": {"pythia": (2560, 32, 32), "mamba": (2560, 64, 0)},
}
"""Width, layers and heads of the pretrained pairs."""


def make_model(pair: str, family: str) -> VisionLanguageModel:
    """A model of a pair with random weights, on DEVICE: float32 on a CPU, bfloat16 on a GPU."""
    torch.manual_seed(0)
    name = f"{pair}/{family}"
    language = load(name, vocabulary=VOCABULARY) if pair in SCRATCH else _like_pretrained(pair, family)
    architecture = Architecture(language=language.config.to_dict(), vision=VISION)
    model = VisionLanguageModel(architecture, language, build_encoder(VISION), read_vocabulary("gpt-neox-20b"))
    return model.to(DEVICE, torch.bfloat16 if DEVICE.type == "cuda" else torch.float32)


def question(model: VisionLanguageModel, words: int) -> Layout:
    """A prompt of a picture and a caption's instruction, `words` longer."""
    sample = Sample(
        id="0",
        image="0",
        task="captioning",
        source="benchmark",
        caption="A dog.",
        prompt="Say what is seen" + " here" * words,
    )
    return lay_out(sample, "task-agnostic", model.vocabulary, model.grid, with_answers=False)


def _like_pretrained(pair: str, family: str) -> PreTrainedModel:
    if pair not in SHAPES:
        raise ModelError(f"pair must be one of {', '.join([*SCRATCH, *SHAPES])}, not {pair!r}.")
    mount()
    width, layers, heads = SHAPES[pair][family]
    shape: dict[str, Any] = {"vocab_size": VOCABULARY, "hidden_size": width, "num_hidden_layers": layers}
    config = (
        GPTNeoXConfig(**shape, num_attention_heads=heads, intermediate_size=4 * width, max_position_embeddings=16_384)
        if heads
        else MambaConfig(**shape)
    )
    return AutoModelForCausalLM.from_config(config)  # type: ignore[no-any-return]
