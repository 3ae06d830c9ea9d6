"""The matched pairs: two models of one size, one a family.

From scratch the two have the same width and tied embeddings of the same scale. A Mamba block has about half the
parameters of a Transformer block of its width, so Mamba has more of them. Pretrained pairs are those of the paper
(Table 7) and their smaller siblings. `tiny-pretrained` is `tiny` after `experiments/pretrain_tiny.py`: its weights are
in this package, so that the paper's regime can be had without a download.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FAMILIES = ("pythia", "mamba")
MODEL_TYPES = {"gpt_neox": "pythia", "mamba": "mamba"}
"""What transformers calls a family."""


NewRows = Literal["matched", "normal"]
"""How the rows of added tokens are drawn. matched: normal with the mean and the scale that each dimension has over the
old rows; normal: N(0, 0.02), whatever the old rows are."""


class ModelError(ValueError):
    """A model that was asked for cannot be had. The message is one sentence that says what to do."""


@dataclass(frozen=True)
class Shape:
    """A model that is made here: transformers' config is built from it by `backbones.load`."""

    width: int
    layers: int
    heads: int = 0
    """Attention heads; 0 in Mamba."""


SCRATCH: dict[str, dict[str, Shape]] = {
    "tiny": {"pythia": Shape(width=64, layers=2, heads=4), "mamba": Shape(width=64, layers=3)},
    "small": {"pythia": Shape(width=256, layers=4, heads=8), "mamba": Shape(width=256, layers=7)},
}

SHIPPED = {"tiny-pretrained": "tiny"}
"""Pairs whose weights are in this package, and the pair they were before. Other weights get another name: a run is
known by the name of its model."""

_WEIGHTS = Path(__file__).parent / "weights"
PRETRAINED: dict[str, dict[str, str]] = {
    **{pair: {family: str(_WEIGHTS / pair / family) for family in FAMILIES} for pair in SHIPPED},
    "160m": {"pythia": "EleutherAI/pythia-160m", "mamba": "state-spaces/mamba-130m-hf"},
    "410m": {"pythia": "EleutherAI/pythia-410m", "mamba": "state-spaces/mamba-370m-hf"},
    "1b": {"pythia": "EleutherAI/pythia-1b", "mamba": "state-spaces/mamba-790m-hf"},
    "1.4b": {"pythia": "EleutherAI/pythia-1.4b", "mamba": "state-spaces/mamba-1.4b-hf"},
    "2.8b": {"pythia": "EleutherAI/pythia-2.8b", "mamba": "state-spaces/mamba-2.8b-hf"},
}

PARAMETERS: dict[str, int] = {
    "EleutherAI/pythia-160m": 162_322_944,
    "EleutherAI/pythia-410m": 405_334_016,
    "EleutherAI/pythia-1b": 1_011_781_632,
    "EleutherAI/pythia-1.4b": 1_414_647_808,
    "EleutherAI/pythia-2.8b": 2_775_208_960,
    "state-spaces/mamba-130m-hf": 129_135_360,
    "state-spaces/mamba-370m-hf": 371_516_416,
    "state-spaces/mamba-790m-hf": 793_204_224,
    "state-spaces/mamba-1.4b-hf": 1_372_178_432,
    "state-spaces/mamba-2.8b-hf": 2_768_345_600,
}
"""Parameters of the pretrained models, for estimates before anything is downloaded."""


def name_of(pair: str, family: str) -> str:
    """The name under which `backbones.load` knows the model of a pair: `tiny/mamba`.

    Raises:
        ModelError: there is no such pair or family.
    """
    pairs = [*SCRATCH, *PRETRAINED]
    if pair not in pairs:
        raise ModelError(f"pair must be one of {', '.join(pairs)}, not {pair!r}.")
    if family not in FAMILIES:
        raise ModelError(f"family must be one of {', '.join(FAMILIES)}, not {family!r}.")
    return f"{pair}/{family}"


def pair_of(name: str) -> str:
    """The pair that a name belongs to, be it by its hub name; `pretrained` for folders and all other hub names."""
    known = {**{pair: [] for pair in SCRATCH}, **{pair: families.values() for pair, families in PRETRAINED.items()}}
    return next((pair for pair, hub in known.items() if name.startswith(f"{pair}/") or name in hub), "pretrained")


def shape_of(name: str) -> Shape | None:
    """The shape of a model that is made here; None for one that comes from a hub or a folder."""
    pair, _, family = name.partition("/")
    return SCRATCH.get(pair, {}).get(family)


def source_of(name: str) -> str:
    """The hub name or folder behind a name: `1.4b/mamba` is `state-spaces/mamba-1.4b-hf`; others mean themselves."""
    pair, _, family = name.partition("/")
    return PRETRAINED.get(pair, {}).get(family, name)
