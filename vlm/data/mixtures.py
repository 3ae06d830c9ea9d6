"""What is prepared together: named lists of data sets, each with its weight and cap.

    align         stage one: LLaVA's 558K captions, which the public implementation takes
    align-cc3m    the 595K of CC3M, which the paper names
    instruct      stage two: all data sets of the paper's Tables 4 and 5, as they are, without weights
    benchmarks    the splits that the paper's models are scored on

The name of a data set is a mixture of its own: its training and validation splits, or the splits that are asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from training.config import require, require_choice
from vlm.data.registry import DATA_SETS, data_set_named
from vlm.sample import Split


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A split of a data set, and what it is in the mixture."""

    data_set: str
    split: Split
    into: Split
    weight: float = 1.0
    """Of its training samples: 0.5 takes half of them, 2 all of them twice."""
    cap: int | None = None
    """Most training samples."""


INSTRUCT = (
    "llava_instruct",
    "coco",
    "textcaps",
    "grit",
    "refcoco",
    "refcoco+",
    "refcocog",
    "refcoco dense",
    "refcoco+ dense",
    "refcocog dense",
    "visual_genome grounding",
    "visual_genome dense",
    "visual_genome qa",
    "visual7w telling",
    "visual7w pointing",
    "vqa_v2",
    "gqa",
    "ocr_vqa",
    "docvqa",
    "infographics_vqa",
    "ai2d",
    "aokvqa",
    "vsr",
)
MIXTURES: dict[str, tuple[str, ...]] = {
    "align": ("llava_pretrain",),
    "align-cc3m": ("llava_cc3m",),
    "instruct": INSTRUCT,
}
BENCHMARKS: tuple[tuple[str, Split], ...] = (
    ("coco", "test"),
    ("nocaps", "validation"),
    ("textcaps", "validation"),
    ("vqa_v2", "validation"),
    ("gqa", "test"),
    ("text_vqa", "validation"),
    ("vsr", "test"),
    ("pope_adversarial", "test"),
    ("pope_popular", "test"),
    ("pope_random", "test"),
    ("ai2d", "test"),
    ("visual7w telling", "test"),
    ("visual7w pointing", "test"),
    ("refcoco", "test"),
    ("refcoco+", "test"),
    ("refcocog", "test"),
)
NAMES = (*MIXTURES, "benchmarks")


def entries_of(
    name: str,
    *,
    weights: Mapping[str, float],
    caps: Mapping[str, int],
    without: Sequence[str] = (),
    splits: Sequence[str] = (),
    as_published: bool = False,
) -> list[Entry]:
    """What a mixture, or a data set by its name, is made of.

    Args:
        weights, caps: of training samples, by data set.
        without: data sets that are left out.
        splits: of a data set by its name; none for training and validation, or what it has besides.
        as_published: LLaVA-Instruct comes and goes with GRIT (D11).

    Raises:
        ConfigError: there is no such mixture or data set, or nothing is left of it.
    """
    require_choice("a mixture or a data set", name, (*NAMES, *DATA_SETS))
    for other in (*weights, *caps, *without):
        require_choice("a data set", other, DATA_SETS)
    require(not splits or name in DATA_SETS, f"the splits of {name} are given: leave --split out.")
    for split in splits:
        require_choice(f"the split of {name}", split, data_set_named(name).splits)
    for other, weight in weights.items():
        require(0 < weight <= 100, f"the weight of {other} must lie above 0 and not above 100, not at {weight:g}.")
    for other, cap in caps.items():
        require(cap >= 1, f"the cap of {other} must be at least 1, not {cap}: leave it out with --without.")
    left_out = {*without}
    if as_published and "grit" in without:
        left_out.add("llava_instruct")
    kept = [entry for entry in _all(name, splits) if entry.data_set not in left_out]
    require(bool(kept), f"nothing is left of {name}: leave fewer data sets out.")
    for other in (*weights, *caps):
        is_trained = any(entry.data_set == other and entry.into == "train" for entry in kept)
        require(is_trained, f"{other} has no training samples in {name}: leave its weight and cap out.")
    return [
        replace(entry, weight=weights.get(entry.data_set, 1.0), cap=caps.get(entry.data_set))
        if entry.into == "train"
        else entry
        for entry in kept
    ]


def _all(name: str, asked: Sequence[str]) -> Iterator[Entry]:
    if name == "benchmarks":
        for data_set, split in BENCHMARKS:
            yield Entry(data_set=data_set, split=split, into="test")
        return
    for data_set in MIXTURES.get(name, (name,)):
        known = data_set_named(data_set)
        usual = [split for split in known.splits if split != "test"] or known.splits
        for split in known.splits:
            if split in (asked or usual):
                yield Entry(data_set=data_set, split=split, into=split)
