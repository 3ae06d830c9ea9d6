"""A sweep as one tidy table: what every run was set to, and what every evaluation of it counted at every position.

    run, state                   name of the run's folder; its state as it is
    task.length, ...             the whole config, flattened: `optimisation.learning_rate`, `model.name`
    ran_with.model.family, ...   what the last session says of the model
    step, examples, loss, held_out_loss, seconds, validation_asked, validation_correct
                                 of an evaluation, the same in all of its rows
    position, asked, correct     of one position

A row for each run, evaluation and position. A run that has not been judged yet has one row without a step, and an
evaluation that counts no positions one row without a position, so that nothing is lost. What is constant in a run is
categorical, a byte a row. A setting that a run lacks, as those of an older version may, is missing like one of None.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.config import ConfigError, flatten, require
from training.run import CURVE, Record, read_config, read_curve, read_ran_with, read_state

OF_AN_EVALUATION = {
    "step": "Int32",
    "examples": "Int64",
    "loss": "float64",
    "held_out_loss": "float64",
    "seconds": "float64",
    "validation_asked": "Int32",
    "validation_correct": "Int32",
}
OF_A_POSITION = {"position": "Int32", "asked": "Int32", "correct": "Int32"}
MEASURED = {**OF_AN_EVALUATION, **OF_A_POSITION}
"""The columns that change within a run, and their types: a value of any of them can be missing."""


def tidy(folders: Sequence[Path]) -> pd.DataFrame:
    """The table of these directories of runs, in their order.

    Raises:
        ConfigError: one cannot be read, or its curve holds a line that is no evaluation.
    """
    settings = [_settings(folder) for folder in folders]
    measured = [_measurements(folder) for folder in folders]
    rows = np.repeat(np.arange(len(folders)), [len(one["step"]) for one in measured])
    names = dict.fromkeys(name for some in settings for name in some)
    columns: dict[str, Any] = {
        name: pd.Categorical(_of_one_kind([some.get(name) for some in settings])).take(rows) for name in names
    }
    for name, kind in MEASURED.items():
        values = np.concatenate([np.zeros(0), *(one[name] for one in measured)])
        missing = np.isnan(values)
        whole = np.where(missing, 0, values).astype(kind.lower())
        columns[name] = values if kind == "float64" else pd.arrays.IntegerArray(whole, missing)
    return pd.DataFrame(columns)


def _settings(folder: Path) -> dict[str, Any]:
    """What is constant in a run, a value a column; lists, which no column can hold, as JSON writes them."""
    flat = flatten(read_config(folder)) | flatten({"model": read_ran_with(folder).get("model") or {}}, "ran_with.")
    plain = {name: json.dumps(value) if isinstance(value, list) else value for name, value in flat.items()}
    return {"run": folder.name, "state": read_state(folder), **plain}


def _of_one_kind(values: list[Any]) -> list[Any]:
    """The values of a setting over runs; as texts where some are numbers and others are not, which no file format of
    tables takes."""
    kinds = {float if type(value) is int else type(value) for value in values if value is not None}
    return values if len(kinds) < 2 else [None if value is None else str(value) for value in values]


def _measurements(folder: Path) -> dict[str, NDArray[np.float64]]:
    """What changes within a run: arrays of one value a row, not a number where it is missing."""
    records = read_curve(folder)
    try:
        require(all("step" in record for record in records), "an evaluation has no step")
        return _columns(records or [{}])
    except (ValueError, TypeError) as error:
        path = folder / CURVE
        raise ConfigError(f"{path} is not a curve ({error}): restore it, or move its folder away.") from error


def _columns(records: list[Record]) -> dict[str, NDArray[np.float64]]:
    asked, correct = ([_by_position(record, name) for record in records] for name in ("asked", "correct"))
    rows = [len(counts) for counts in asked]
    require(rows == [len(counts) for counts in correct], "asked and correct are not of the same positions")
    positions = [np.where(np.isnan(counts), np.nan, np.arange(len(counts))) for counts in asked]
    once = {name: np.array([record.get(name) for record in records], dtype=np.float64) for name in OF_AN_EVALUATION}
    of_positions = {"position": positions, "asked": asked, "correct": correct}
    return {
        **{name: np.repeat(values, rows) for name, values in once.items()},
        **{name: np.concatenate(values) for name, values in of_positions.items()},
    }


def _by_position(record: Record, name: str) -> NDArray[np.float64]:
    """One value a position, or a single missing one where the evaluation counts none."""
    return np.array(record.get(name) or [np.nan], dtype=np.float64)
