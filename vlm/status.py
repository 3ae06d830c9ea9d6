"""What `vlm status` says of runs beyond what every run has. It imports no torch."""

import contextlib
import itertools
from collections.abc import Sequence
from typing import Any

from backbones.pairs import FAMILIES
from training.progress import Progress
from training.status import Row, Words

COMPARED = {
    "trained": "trained parameters",
    "frozen": "frozen parameters",
    "state_bytes_per_token": "bytes of state a token",
    "state_bytes": "bytes of state in all",
    "samples": "samples",
    "order_of_samples": "order of samples",
    "tokens": "tokens seen",
    "precision": "precision",
    "kernels": "kernels",
}
"""Facts of a run that the two models of a pair have to share, or are known to differ in."""


def _describe(runs: Sequence[Progress]) -> list[Row]:
    return [_settings(run) for run in runs]


def _settings(run: Progress) -> Row:
    row: Row = {}
    with contextlib.suppress(KeyError, TypeError):
        config = run.config
        row = {
            "model": config["model"]["name"],
            "stage": config["stage"],
            "order": config["order"],
            "encoder": config["model"]["vision"]["name"],
            "image_size": config["model"]["vision"]["image_size"],
            "learning_rate": config["optimisation"]["learning_rate"],
            "family": run.ran_with.get("model", {}).get("family"),
            "ledger": {name: run.ran_with.get(name) for name in COMPARED},
        }
    return row


def _comparison(rows: Sequence[Row]) -> list[str]:
    """The fairness ledger: of each two runs that differ in family alone, what else they do not share."""
    lines = []
    for first, second in itertools.combinations(rows, 2):
        pair = sorted((first, second), key=lambda row: FAMILIES.index(row["family"]) if _is_known(row) else 0)
        if not all(map(_is_known, pair)) or _setting(pair[0]) != _setting(pair[1]):
            continue
        facts = [row["ledger"] for row in pair]
        if facts[0] and facts[1] and pair[0]["family"] != pair[1]["family"]:
            equal = [said for name, said in COMPARED.items() if facts[0][name] == facts[1][name] is not None]
            other = [
                f"{said} {_number(facts[0][name])} and {_number(facts[1][name])}"
                for name, said in COMPARED.items()
                if facts[0][name] != facts[1][name]
            ]
            who = f"{pair[0]['model']} and {pair[1]['model']}, {first['stage']}, {first['order']}"
            lines.append(f"{who}: equal in {', '.join(equal)}; not in {', '.join(other)}.")
    return sorted(set(lines))


def _is_known(row: Row) -> bool:
    return row.get("family") in FAMILIES and any(row["ledger"].values())


def _setting(row: Row) -> tuple[Any, ...]:
    pair = str(row["model"]).partition("/")[0]
    return pair, *(row[name] for name in ("stage", "order", "encoder", "image_size", "learning_rate"))


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


WORDS = Words(
    command="vlm",
    describe=_describe,
    settings={
        "model": lambda row: str(row.get("model") or row["kind"]),
        "stage": lambda row: str(row.get("stage", "-")),
        "order": lambda row: str(row.get("order", "-")),
        "pictures": lambda row: f"{row.get('image_size', '-')}",
    },
    order=("stage", "order", "model"),
    comparison=_comparison,
    remarks=lambda seen: ["Accuracy: the share of target tokens of validation samples, each given those before it."],
)
"""For `training.status`."""
