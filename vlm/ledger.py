"""What has to be equal, or known to differ, between the two models of a pair, and what a stage trains and freezes."""

from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from backbones.models import ledger, parameters_in
from backbones.scan.paths import scan_path
from training.session import is_main_process
from vlm.config import TRAINED, TrainConfig
from vlm.model import VisionLanguageModel
from vlm.stream import Stream
from vlm.vision import image_tokens

BYTES = 4
"""Of a number of a state or of a key, in float32."""


def facts_of(config: TrainConfig, model: VisionLanguageModel, training: Stream, device: torch.device) -> dict[str, Any]:
    """What is recorded beside a run's config."""
    survey = training.survey()
    counts = {part: parameters_in(getattr(model, part)) for part in ("encoder", "connector", "language_model")}
    per_token, constant = state_bytes(model)
    examples = config.optimisation.steps * config.optimisation.batch
    all_for_one = len(training) / survey.read
    return {
        "scan": scan_path(device),
        "kernels": scan_path(device) if model.family == "mamba" else "attention: torch's, each sample alone",
        "precision": config.optimisation.precision,
        "model": ledger(model.language_model),
        "parameters": counts,
        "trained": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "frozen": sum(p.numel() for p in model.parameters() if not p.requires_grad),
        "state_bytes_per_token": per_token,
        "state_bytes": constant,
        "image_tokens": image_tokens(model.grid),
        "samples": len(training),
        "samples_with_answers_cut": round(survey.cut * all_for_one),
        "samples_left_out": round(survey.left_out * all_for_one),
        "samples_surveyed": survey.read,
        "first_left_out": survey.first_error,
        "examples": examples,
        "tokens": round(survey.tokens / survey.read * examples),
        "order_of_samples": training.digest(),
    }


def state_bytes(model: VisionLanguageModel) -> tuple[int, int]:
    """What a model remembers as it reads, in float32: bytes for each token of context, and bytes whatever its length.

    Keys and values of all layers in a Transformer; the state and the last inputs of the convolution in a Mamba.
    """
    config: Any = model.language_model.config
    if model.family == "mamba":
        inner = config.intermediate_size
        return 0, config.num_hidden_layers * inner * (config.state_size + config.conv_kernel) * BYTES
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    return config.num_hidden_layers * 2 * heads * (config.hidden_size // config.num_attention_heads) * BYTES, 0


def print_ledger(config: TrainConfig, facts: dict[str, Any]) -> None:
    """On stderr, by the main process: what is trained, on what, and what a comparison has to keep equal."""
    if not is_main_process():
        return
    parameters = facts["parameters"]
    first = f" (the first: {facts['first_left_out']})" if facts["first_left_out"] else ""
    about = "about " if facts["samples_surveyed"] < facts["samples"] else ""
    table = Table(title=f"{config.model.name}, {config.stage}, {config.order}", show_header=False, title_justify="left")
    rows = {
        "trained": f"{facts['trained']:,} parameters ({TRAINED[config.stage]})",
        "frozen": f"{facts['frozen']:,} parameters",
        "parts": ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in parameters.items()),
        "state": f"{facts['state_bytes_per_token']:,} bytes a token of context and {facts['state_bytes']:,} in all",
        "picture": f"{facts['image_tokens']:,} tokens",
        "samples": f"{facts['samples']:,}: {about}{facts['samples_with_answers_cut']:,} lose answers to max_length, "
        f"{about}{facts['samples_left_out']:,} left out{first}",
        "seen": f"{facts['examples']:,} samples, about {facts['tokens']:,} tokens",
        "order of samples": facts["order_of_samples"],
        "precision": f"{config.optimisation.precision}, weights and optimizer fp32",
        "kernels": facts["kernels"],
    }
    for name, text in rows.items():
        table.add_row(name, text)
    Console(stderr=True).print(table)
