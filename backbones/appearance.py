"""How the families look in every figure: in colour, lightness, line style and marker, so that a grey print keeps them
apart."""

from collections.abc import Sequence

from backbones.pairs import FAMILIES

FAMILY_COLOURS = {"pythia": "#14395b", "mamba": "#e08214"}
OTHER_COLOURS = ["#5aae61", "#9970ab", "#878787"]
LINE_STYLES = {"pythia": "-", "mamba": (0, (5, 1.5))}
MARKERS = {"pythia": "o", "mamba": "s"}


def colour_of(family: str) -> str:
    return FAMILY_COLOURS.get(family, OTHER_COLOURS[sum(map(ord, family)) % len(OTHER_COLOURS)])


def ordered(families: Sequence[str]) -> list[str]:
    """The families in the order they always have, others behind them."""
    return [f for f in FAMILIES if f in families] + sorted(f for f in families if f not in FAMILIES)
