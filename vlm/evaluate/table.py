"""Models side by side: one tidy table of scores, and one of differences; on the screen they are `vlm.evaluate.screen`.

Within a pair, every family is compared with the first one (Pythia) in the same order, every order with the first one
(task-agnostic) in the same family, and what an order changes in a family with what it changes in the first one. Each
difference is paired, question by question, with its 95 % interval.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from backbones.pairs import FAMILIES
from training.config import require
from vlm.evaluate.benchmarks import BENCHMARKS
from vlm.evaluate.constants import best_constant, best_constant_by_kind
from vlm.evaluate.paper import PUBLISHED
from vlm.evaluate.predictions import Prediction, in_the_order_of
from vlm.evaluate.results import ALL, difference, difference_of_differences, headlines, summarise
from vlm.prompt import ORDERS

CONSTANT, CONSTANT_BY_KIND = "constant", "constant by kind"
"""What stands for the family in the rows of `constants`, which have no order."""


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What one model said to one benchmark."""

    family: str
    order: str
    predictions: Sequence[Prediction]
    pair: str = ""
    """What it is compared within, such as a size; empty where there is one alone."""
    size: str = ""
    """The pair that it is of, also where there is one alone; the paper has scores of some."""

    @property
    def benchmark(self) -> str:
        return self.predictions[0].benchmark


def scores(evaluated: Sequence[Evaluated], summaries: Sequence[pd.DataFrame] | None = None) -> pd.DataFrame:
    """The results of all models, and of the best constant answers, in the order in which they are drawn.

    Args:
        summaries: what `results.summarise` gives of each of them, where it is at hand.

    Returns:
        pair, family, order, the columns of `results.summarise`, and published: what the paper has, where it has it.

    Raises:
        ConfigError: there are none, one is given twice, or two did not answer the same questions.
    """
    known = dict(zip(map(id, evaluated), summaries or (summarise(one.predictions) for one in evaluated), strict=True))
    frames = []
    for some in by_benchmark(evaluated):
        asked = some[0].predictions
        frames.append(_labelled(summarise(best_constant(asked), further=False), family=CONSTANT))
        if len({one.kind for one in asked}) > 1:
            constant = summarise(best_constant_by_kind(asked), further=False)
            frames.append(_labelled(constant, family=CONSTANT_BY_KIND))
        for one in some:
            frames.append(_labelled(known[id(one)], pair=one.pair, family=one.family, order=one.order))
            frames[-1]["published"] = _published(one, frames[-1])
    return pd.concat(frames, ignore_index=True)


def _published(one: Evaluated, frame: pd.DataFrame) -> list[float]:
    """What the paper has of each row; it has no parts by kind, and no measures beside scores."""
    shown = headlines(frame[frame["kind"] == ALL]).index
    return [
        PUBLISHED.get((one.size, one.family, one.order, one.benchmark, str(group)), math.nan)
        if row in shown
        else math.nan
        for row, group in frame["group"].items()
    ]


def _labelled(frame: pd.DataFrame, *, family: str, pair: str = "", order: str = "") -> pd.DataFrame:
    frame = frame.assign(published=math.nan)
    for place, (name, value) in enumerate((("pair", pair), ("family", family), ("order", order))):
        frame.insert(place, name, value)
    return frame


def differences(evaluated: Sequence[Evaluated]) -> pd.DataFrame:
    """All paired differences between families of one order, between orders of one family, and between what an order
    changes in two families.

    Returns:
        comparison (such as `mamba - pythia`), within (the pair, where there are several, and the order or the family
        that both share), and the columns of `results.difference`; without rows where there is nothing to compare.

    Raises:
        ConfigError: as `scores`.
    """
    frames = []
    for some in by_benchmark(evaluated):
        for comparison, within, frame in itertools.chain(_by_two(some), _by_four(some)):
            frame.insert(0, "comparison", comparison)
            frame.insert(1, "within", within)
            frames.append(frame)
    if not frames:
        columns = ["comparison", "within", "benchmark", "group", "kind", "n", "difference", "low", "high"]
        return pd.DataFrame(columns=columns)
    return pd.concat(frames, ignore_index=True)


def _by_two(some: Sequence[Evaluated]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Comparison, within and differences of two families or two orders."""
    compared = [(base, other) for base, other in itertools.combinations(some, 2) if base.pair == other.pair]
    for base, other in compared:
        if base.order == other.order and base.family == FAMILIES[0]:
            within = _words(base.pair, base.order)
            yield f"{other.family} - {base.family}", within, difference(other.predictions, base.predictions)
    for base, other in compared:
        if base.family == other.family and base.order == ORDERS[0]:
            within = _words(base.pair, base.family)
            yield f"{other.order} - {base.order}", within, difference(other.predictions, base.predictions)


def _by_four(some: Sequence[Evaluated]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Comparison, within and differences of what an order changes in two families."""
    said = {(one.pair, one.family, one.order): one.predictions for one in some}
    for pair, family, order in said:
        if family == FAMILIES[0] or order == ORDERS[0]:
            continue
        four = [(pair, which, asked_in) for which in (family, FAMILIES[0]) for asked_in in (order, ORDERS[0])]
        if all(one in said for one in four):
            name = f"({order} - {ORDERS[0]}), {family} - {FAMILIES[0]}"
            yield name, pair, difference_of_differences(*(said[one] for one in four))


def _words(*words: str) -> str:
    return ", ".join(filter(None, words))


def by_benchmark(evaluated: Sequence[Evaluated]) -> Iterator[list[Evaluated]]:
    """What belongs to each benchmark, both in the order that they always have."""
    require(bool(evaluated), "there is nothing to compare: name files of predictions.")
    for name in BENCHMARKS:
        own = [one for one in evaluated if one.benchmark == name]
        pairs = [one.pair for one in own]  # these in the order in which they were given
        some = sorted(own, key=lambda one: (pairs.index(one.pair), _rank(one), one.family))
        labels = [_words(one.pair, one.family, one.order) for one in some]
        for label in labels:
            require(labels.count(label) == 1, f"there are several predictions of {name} by {label}: name one of them.")
        for one in some[1:]:
            in_the_order_of(some[0].predictions, one.predictions)
        if some:
            yield some


def _rank(one: Evaluated) -> tuple[int, int]:
    """Pythia in front of Mamba, and of each the task-agnostic one first; what is not known behind."""
    return (
        FAMILIES.index(one.family) if one.family in FAMILIES else len(FAMILIES),
        ORDERS.index(one.order) if one.order in ORDERS else len(ORDERS),
    )
