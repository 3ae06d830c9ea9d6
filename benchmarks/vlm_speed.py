"""Prefill and decode of a pair apart: seconds and bytes over lengths of context and batches. See `benchmarks.vlm`.

    prefill    one pass over batch x context embeddings, and the logits of the last step
    decode     a step of batch x 1 behind it, with the cache; the median of a few
    cache      keys and values of all steps (Pythia), or state and convolution of the last (Mamba)

The encoder is the same for both families and not among it.
"""

import itertools
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
import torch
from torch import Tensor

from backbones.appearance import FAMILY_COLOURS
from backbones.pairs import FAMILIES
from benchmarks.models import make_model
from benchmarks.timing import DEVICE, wait
from vlm.generate import CACHE
from vlm.model import VisionLanguageModel

CONTEXTS, BATCHES = (600, 1_200, 2_400, 4_800, 8_000), (1, 4, 16)
DECODED = 8
MOST_ON_CPU = 20_000
"""Tokens of a batch: more takes minutes."""

MEASURES = {"prefill_ms": "prefill (ms)", "decode_ms": "decode (ms a step)", "cache_bytes": "cache (bytes)"}


def speeds(pair: str, rounds: int, most: int = 0) -> Iterator[dict[str, Any]]:
    """A row for each batch, context and family, the families measured in turns. What a GPU has no memory for is left
    out."""
    most = most or (MOST_ON_CPU if DEVICE.type == "cpu" else max(CONTEXTS) * max(BATCHES))
    models = {family: make_model(pair, family).eval() for family in FAMILIES}
    for batch, context in itertools.product(BATCHES, CONTEXTS):
        if batch * context > most:
            continue
        found: dict[str, list[tuple[float, float, int]]] = {family: [] for family in FAMILIES}
        try:
            # Large batches warm nothing up that smaller ones have not.
            for _ in range(rounds if batch * context > CONTEXTS[0] else rounds + 1):
                for family in FAMILIES:
                    found[family].append(measure(models[family], batch, context))
        except torch.OutOfMemoryError:
            continue
        prefill, decode = (
            statistics.median(p[of] / m[of] for p, m in zip(found["pythia"], found["mamba"], strict=True))
            for of in (0, 1)
        )
        for family in FAMILIES:
            columns = [statistics.median(column) for column in zip(*found[family], strict=True)]
            yield {
                "pair": pair,
                "family": family,
                "batch": batch,
                "context": context,
                "prefill_ms": round(1e3 * columns[0], 2),
                "decode_ms": round(1e3 * columns[1], 3),
                "cache_bytes": int(columns[2]),
                "prefill_pythia_over_mamba": round(prefill, 2),
                "decode_pythia_over_mamba": round(decode, 2),
            }


@torch.no_grad()
def measure(model: VisionLanguageModel, batch: int, context: int) -> tuple[float, float, int]:
    """Seconds of the prefill and of a step of decoding, and bytes of the cache between the two."""
    name = CACHE.get(model.family, "past_key_values")
    embedding = model.language_model.get_input_embeddings()
    weight: Tensor = embedding.weight  # type: ignore[assignment]
    new = torch.randn(batch, context, weight.shape[1]).to(weight)
    told: dict[str, Any] = {"use_cache": True}
    seconds, held = [], 0
    for _ in range(1 + DECODED):
        wait()
        started = time.perf_counter()
        output = model.base(inputs_embeds=new, **told)
        new = embedding(model.head(output.last_hidden_state[:, -1:]).argmax(-1))
        wait()
        seconds.append(time.perf_counter() - started)
        told[name] = output[name]
        held = held or bytes_of(output[name].layers)
    return seconds[0], statistics.median(seconds[1:]), held


def bytes_of(cache: Any) -> int:
    """Of all tensors in it, however deep they lie."""
    if isinstance(cache, Tensor):
        return cache.nbytes
    if isinstance(cache, dict):
        cache = list(cache.values())
    if isinstance(cache, list):
        return sum(map(bytes_of, cache))
    return bytes_of(vars(cache)) if hasattr(cache, "__dict__") else 0


def draw_speeds(rows: list[dict[str, Any]], folder: Path, name: str, title: str) -> None:
    """Writes the rows as NAME.csv and a panel a measure as NAME.png."""
    table = pd.DataFrame(rows)
    table.to_csv(folder / f"{name}.csv", index=False)
    with sns.axes_style("ticks"), plt.rc_context({"font.size": 9}):
        figure, axes = plt.subplots(1, len(MEASURES), figsize=(9.6, 3.2), layout="constrained")
        for axis, (measure_name, label) in zip(axes, MEASURES.items(), strict=True):
            sns.lineplot(
                table,
                x="context",
                y=measure_name,
                hue="family",
                style="batch",
                palette=FAMILY_COLOURS,
                markers=True,
                ax=axis,
                legend=axis is axes[-1],
            )
            axis.set(xscale="log", yscale="log", xlabel="context (tokens)", ylabel=label)
            axis.set_xticks(CONTEXTS, [f"{context:,}" for context in CONTEXTS], fontsize=7)
            axis.minorticks_off()
            sns.despine(ax=axis)
        sns.move_legend(axes[-1], "center left", bbox_to_anchor=(1, 0.5), frameon=False)
        figure.suptitle(f"Prefill, decode and cache of the pair {title}", fontsize=9.5)
        figure.savefig(folder / f"{name}.png", dpi=160)
        plt.close(figure)
