"""What `vlm status` says of runs beyond what every run has. It imports no torch."""

import contextlib
from collections.abc import Sequence

from training.progress import Progress
from training.status import Row, Words


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
        }
    return row


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
    remarks=lambda seen: ["Accuracy: the share of target tokens of validation samples, each given those before it."],
)
"""For `training.status`."""
