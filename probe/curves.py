"""Runs as tables. The figures, the CLI and the notebook read nothing else.

    runs    one row a run: its settings, its state, steps to the threshold (nan while it has not been reached)
    curves  one row for each run, evaluation and position: asked, correct

Both carry the settings of a run under the same names, so that a table can be grouped by any of them.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backbones.pairs import FAMILIES
from training.config import require
from training.run import read_config, read_curve, read_ran_with, read_status, run_folders

SETTINGS = [
    "run",
    "model",
    "family",
    "order",
    "supervision",
    "length",
    "learning_rate",
    "weight_seed",
    "init_seed",
    "data_seed",
]
RUN_COLUMNS = [
    *SETTINGS,
    "state",
    "planned_steps",
    "step",
    "accuracy",
    "threshold",
    "steps_to_threshold",
    "seconds",
    "parameters",
]
CURVE_COLUMNS = [*SETTINGS, "step", "planned_steps", "position", "asked", "correct"]


def load_runs(out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs below `out`, and their curves.

    Raises:
        ConfigError: there are none, or one cannot be read.
    """
    folders = run_folders(out)
    require(bool(folders), f"{out} holds no runs: name the folder that probe train or probe sweep wrote to.")
    runs, curves = [], []
    for folder in folders:
        row, curve = _read(folder)
        runs.append(row)
        curves.append(curve)
    frames = [curve for curve in curves if len(curve)]
    return (
        pd.DataFrame(runs, columns=RUN_COLUMNS),
        pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=CURVE_COLUMNS),
    )


def overall(curves: pd.DataFrame) -> pd.DataFrame:
    """Curves without positions: one row for each run and evaluation, with `accuracy`."""
    keys = [*SETTINGS, "step", "planned_steps"]
    sums = curves.groupby(keys, as_index=False, sort=False)[["asked", "correct"]].sum()
    return sums.assign(accuracy=sums["correct"] / sums["asked"])


def carried_to_the_end(curves: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Curves with a row at each step that any run of its group was judged at: a run that stopped at the threshold
    stays where it was, instead of leaving the group's average to those that learn slowly.

    Args:
        keys: columns that name a group; runs are compared within it.
    """
    filled = []
    for _, group in curves.groupby(keys, sort=False):
        steps = np.sort(group["step"].unique())
        for _, curve in group.groupby([*SETTINGS, *(["position"] if "position" in group else [])], sort=False):
            known = curve.set_index("step").sort_index()
            later = known.reindex(steps[steps >= known.index[0]], method="ffill")
            filled.append(later.rename_axis("step").reset_index())
    return pd.concat(filled, ignore_index=True)[list(curves.columns)] if filled else curves


def _read(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """One run's row, and its curve."""
    config, status, records = read_config(folder), read_status(folder), read_curve(folder)
    model, task, optimisation = config["model"], config["task"], config["optimisation"]
    facts = read_ran_with(folder).get("model", {})
    named = model["name"].rpartition("/")[2]
    settings = {
        "run": folder.name,
        "model": model["name"],
        "family": facts.get("family") or (named if named in FAMILIES else "unknown"),
        "order": task["order"],
        "supervision": config["supervision"],
        "length": task["length"],
        "learning_rate": optimisation["learning_rate"],
        "weight_seed": model["weight_seed"],
        "init_seed": model["init_seed"],
        "data_seed": task["seed"],
    }
    accuracies = [sum(record["correct"]) / sum(record["asked"]) for record in records]
    reached = (r["step"] for r, accuracy in zip(records, accuracies, strict=True) if accuracy >= config["threshold"])
    row = {
        **settings,
        "state": status.get("state", "planned"),
        "planned_steps": optimisation["steps"],
        "step": records[-1]["step"] if records else 0,
        "accuracy": accuracies[-1] if records else np.nan,
        "threshold": config["threshold"],
        "steps_to_threshold": next(reached, np.nan),
        "seconds": records[-1]["seconds"] if records else 0.0,
        "parameters": facts.get("parameters"),
    }
    length = task["length"]
    curve = pd.DataFrame(
        {
            **settings,
            "step": np.repeat([record["step"] for record in records], length),
            "planned_steps": optimisation["steps"],
            "position": np.tile(np.arange(length), len(records)),
            "asked": np.concatenate([record["asked"] for record in records] or [[]]),
            "correct": np.concatenate([record["correct"] for record in records] or [[]]),
        },
        columns=CURVE_COLUMNS,
    )
    return row, curve
