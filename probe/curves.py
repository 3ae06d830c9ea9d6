"""Runs as tables. The figures, the CLI and the notebook read nothing else.

    runs    one row a run: its settings, its state, steps to the threshold (nan while it has not been reached)
    curves  one row for each run, evaluation and position: asked, correct

Both carry the settings of a run under the same names, so that a table can be grouped by any of them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from probe.evaluate import accuracy_of
from probe.settings import FACTS, SETTINGS, settings_of, variants
from training.config import ConfigError, require
from training.run import read_config, read_curve, read_kind, read_ran_with, read_state, run_folders

RUN_COLUMNS = [
    *SETTINGS,
    "state",
    "planned_steps",
    "step",
    "accuracy",
    "steps_to_threshold",
    "seconds",
    *FACTS,
]
CURVE_COLUMNS = [*SETTINGS, "planned_steps", "learned", "step", "position", "asked", "correct"]


def load_runs(out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs below `out`, and their curves.

    Raises:
        ConfigError: there are none, or one cannot be read.
    """
    folders = [folder for folder in run_folders(out) if not is_pretraining(folder)]
    require(bool(folders), f"{out} holds no runs: name the folder that probe train or probe sweep wrote to.")
    return read_runs(folders)


def is_pretraining(folder: Path) -> bool:
    """Whether this is a run of `probe pretrain`, which has no table here."""
    return read_kind(folder) == "PretrainConfig"


def read_runs(folders: Sequence[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`load_runs` for these directories of runs. What else differs between runs of one pair that are asked the same is
    their `variant`, in words; it is empty where nothing does."""
    rows, curves = zip(*(_read(folder) for folder in folders), strict=True)
    runs = pd.DataFrame(rows)
    runs["variant"] = variants([*rows], [read_config(folder) for folder in folders])
    variant_of = dict(zip(runs["run"], runs["variant"], strict=True))
    frames = [curve.assign(variant=curve["run"].map(variant_of)) for curve in curves if len(curve)]
    joined = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=CURVE_COLUMNS)
    return runs[RUN_COLUMNS], joined[CURVE_COLUMNS]


def overall(curves: pd.DataFrame) -> pd.DataFrame:
    """Curves without positions: one row for each run and evaluation, with `accuracy`."""
    keys = [column for column in curves if column not in ("position", "asked", "correct")]
    sums = curves.groupby(keys, as_index=False, sort=False)[["asked", "correct"]].sum()
    return sums.assign(accuracy=sums["correct"] / sums["asked"])


def carried_to_the_end(curves: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Curves with a row at each step that any run of its group was judged at: a run that has learned the task, and
    stopped, stays where it was, instead of leaving the group's average to those that learn slowly. One that was
    stopped by something else ends where it ends.

    Args:
        keys: columns that name a group; runs are compared within it.
    """
    filled = []
    for _, group in curves.groupby(keys, sort=False):
        steps = np.sort(group["step"].unique())
        for _, curve in group.groupby(["run", *(["position"] if "position" in group else [])], sort=False):
            known = curve.set_index("step").sort_index()
            until = np.inf if known["learned"].iloc[0] else known.index[-1]
            wanted = steps[(steps >= known.index[0]) & (steps <= until)]
            filled.append(known.reindex(wanted, method="ffill").rename_axis("step").reset_index())
    return pd.concat(filled, ignore_index=True)[list(curves.columns)] if filled else curves


def _read(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """One run's row, and its curve.

    Raises:
        ConfigError: it is another kind of run, or was written by a version with other settings.
    """
    try:
        return _tables(folder)
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} is not a run of the probe as this version writes it ({error!r}): move it away."
        ) from error


def _tables(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    config, records = read_config(folder), read_curve(folder)
    facts = read_ran_with(folder).get("model", {})
    settings = settings_of(folder.name, config, facts)
    accuracies = [accuracy_of(record) for record in records]
    reached = [r["step"] for r, accuracy in zip(records, accuracies, strict=True) if accuracy >= config["threshold"]]
    row = {
        **settings,
        **{fact: facts.get(fact) for fact in FACTS},
        "state": read_state(folder),
        "step": records[-1]["step"] if records else 0,
        "accuracy": accuracies[-1] if records else np.nan,
        "steps_to_threshold": reached[0] if reached else np.nan,
        "seconds": records[-1]["seconds"] if records else 0.0,
    }
    length = settings["length"]
    curve = {
        **settings,
        "learned": bool(reached),
        "step": np.repeat([record["step"] for record in records], length),
        "position": np.tile(np.arange(length), len(records)),
        "asked": np.concatenate([record["asked"] for record in records] or [[]]),
        "correct": np.concatenate([record["correct"] for record in records] or [[]]),
    }
    return row, pd.DataFrame(curve)
