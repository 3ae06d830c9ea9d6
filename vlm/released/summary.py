"""What a person is told of a model that was imported or exported."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from backbones.models import parameters_in
from vlm.model import VisionLanguageModel
from vlm.released.exporting import Exported
from vlm.released.importing import Released
from vlm.sizes import name_of

LISTED = 3
"""Names of buffers that are written out."""


def of_import(released: Released, out: Path) -> Iterator[str]:
    """Lines on a model that was imported into a folder."""
    model, _, origin = released
    yield f"{origin.model}, in {out}"
    yield from _parts(model)
    config = model.config
    yield f"  it is asked in     {config.order} order, {config.case} text, up to {config.max_length:,} tokens"
    if origin.head == "duplicated":
        yield "  stored once        the output, which was there as a copy of the embedding"
    if origin.dropped:
        names = ", ".join(origin.dropped[:LISTED]) + (", ..." if len(origin.dropped) > LISTED else "")
        yield f"  left out           {len(origin.dropped)} buffers that every model computes for itself: {names}"
    yield f"Next: vlm evaluate {shlex.quote(str(out))} --data DATA --out RESULTS"


def of_export(exported: Exported, out: Path) -> Iterator[str]:
    """Lines on a model that was exported into a folder."""
    model, origin, rows_added = exported
    config = model.config
    yield f"{name_of(model.family, config.language)}, in {out}"
    yield from _parts(model)
    if rows_added:
        yield f"  added              {rows_added} rows of zeros, for as many as the public implementation gives Mamba"
    if origin and origin.dropped:
        yield f"  not written        {len(origin.dropped)} buffers that were left out when it was imported"
    if model.family == "mamba" and config.norm == "rms":
        yield "  take care          the public implementation has LayerNorm in Mamba-VL, and this model RMSNorm"
    yield (
        f"  not in the layout  that it is asked in {config.order} order, {config.case} text, up to "
        f"{config.max_length:,} tokens"
    )


def _parts(model: VisionLanguageModel) -> Iterator[str]:
    """Parameters of each part, and what it is."""
    of_language = "Pythia"
    if model.family == "mamba":
        of_language = f"Mamba with {'LayerNorm' if model.config.norm == 'layer' else 'RMSNorm'}"
    vision = model.config.vision
    rows, columns = model.grid
    of_vision = f"{vision.name}, {vision.image_size} pixels, {rows} x {columns} patches"
    if vision.layer is not None:
        of_vision += f", layer {vision.layer}"
    yield f"  language model     {parameters_in(model.language_model):>13,} parameters, {of_language}"
    yield f"  connector          {parameters_in(model.connector):>13,}"
    yield f"  vision encoder     {parameters_in(model.encoder):>13,} {of_vision}"
