"""Runs as tables, made of the frame of `training.frame` alone. The figures, the CLI and the notebook read nothing else.

    runs    one row a run: its settings, its state, steps to the threshold (nan while it has not been reached)
    curves  one row for each run, evaluation and position: asked, correct

Both carry the settings of a run under the same names, so that a table can be grouped by any of them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backbones.pairs import FAMILIES, pair_of
from probe.intervals import wilson
from probe.settings import FACTS, SETTINGS, query_of, variants
from training.config import ConfigError, require
from training.frame import MEASURED, tidy
from training.run import read_kind, run_folders

RUN_COLUMNS = [
    *SETTINGS,
    "state",
    "planned_steps",
    "step",
    "accuracy",
    "steps_to_threshold",
    "validation_accuracy",
    "validation_steps_to_threshold",
    "seconds",
    *FACTS,
]
"""What a row of the first table holds. The validation columns are empty unless every evaluation of a run asked that
split as well. Validation reaches the threshold once its 95 % interval does: a run that stops because all held-out
examples say so is otherwise left, every second time, a few validation examples short of it."""
CURVE_COLUMNS = [*SETTINGS, "planned_steps", "learned", "step", "position", "asked", "correct"]
SOURCES = {
    "model": "model.name",
    "order": "task.order",
    "supervision": "supervision",
    "length": "task.length",
    "threshold": "threshold",
    "learning_rate": "optimisation.learning_rate",
    "weight_seed": "model.weight_seed",
    "init_seed": "model.init_seed",
    "data_seed": "task.seed",
    "planned_steps": "optimisation.steps",
}
"""Settings that every run of the probe has, and what the frame calls them."""


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
    """`load_runs` for these directories of runs."""
    return tables(tidy(folders))


def tables(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs of a frame of `training.frame`, and their curves. What else differs between runs of one pair that are
    asked the same is their `variant`, in words; it is empty where nothing does.

    Raises:
        ConfigError: it holds another kind of run, or one that was written by a version with other settings.
    """
    once = frame.drop_duplicates("run").drop(columns=list(MEASURED)).astype(object)
    settings = once.where(once.notna(), None).reset_index(drop=True)
    runs = _settings(settings)
    configs = settings[[name for name in settings if name not in ("run", "state") and not name.startswith("ran_with.")]]
    runs["variant"] = variants(runs.to_dict("records"), configs.to_dict("records"))
    judged = frame[frame["step"].notna()]
    _require_all(judged["asked"].notna().to_numpy(), judged["run"].to_numpy(), "asked")
    row = pd.Index(runs["run"]).get_indexer(judged["run"].cat.categories)[judged["run"].cat.codes]
    runs = runs.join(_outcomes(judged, row, runs["threshold"]))
    runs["step"], runs["seconds"] = runs["step"].fillna(0).astype(np.int64), runs["seconds"].fillna(0.0)
    counts = {name: judged[name].to_numpy(dtype=np.int64) for name in ("step", "position", "asked", "correct")}
    curves = runs.assign(learned=runs["steps_to_threshold"].notna()).drop(columns=["step"])
    curves = curves[[name for name in CURVE_COLUMNS if name not in counts]].iloc[row].reset_index(drop=True)
    return runs[RUN_COLUMNS], curves.assign(**counts)[CURVE_COLUMNS]


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
        for _, curve in group.groupby("run", sort=False):
            known, rows = np.unique(curve["step"], return_counts=True)
            until = np.inf if curve["learned"].iloc[0] else known[-1]
            wanted = steps[(steps >= known[0]) & (steps <= until)]
            # An evaluation of a run is a block of a row a position: a step between two of them has the earlier one.
            block = np.searchsorted(known, wanted, side="right") - 1
            taken = (block[:, None] * rows[0] + np.arange(rows[0])).ravel()
            carried = curve.sort_values("step", kind="stable").iloc[taken]
            filled.append(carried.assign(step=np.repeat(wanted, rows[0])))
    return pd.concat(filled, ignore_index=True) if filled else curves


def _settings(settings: pd.DataFrame) -> pd.DataFrame:
    """The columns of the first table that do not depend on a curve, from a row a run of the frame."""
    for column in SOURCES.values():
        known = settings[column].notna() if column in settings else np.zeros(len(settings), dtype=bool)
        _require_all(np.asarray(known), settings["run"].to_numpy(), column)
    facts = {fact: settings.get(f"ran_with.model.{fact}") for fact in (*FACTS, "family")}
    runs = pd.DataFrame(
        {name: settings[name].tolist() for name in ("run", "state")}
        | {name: settings[column].tolist() for name, column in SOURCES.items()}
        | {fact: None if said is None else said.tolist() for fact, said in facts.items()}
    )
    named = runs["model"].str.rpartition("/")[2]
    runs["family"] = runs["family"].fillna(named.where(named.isin(FAMILIES), "unknown"))
    runs["pair"] = runs["model"].map(pair_of)
    runs["query"] = [query_of(*asked) for asked in zip(runs["order"], runs["supervision"], strict=True)]
    return runs


def _require_all(holds: NDArray[np.bool_], runs: NDArray[Any], column: str) -> None:
    """Raises ConfigError that names the first run which does not have this."""
    if not holds.all():
        raise ConfigError(
            f"{runs[~holds][0]} is not a run of the probe as this version writes it (it has no {column}): "
            "move its folder away."
        )


def _outcomes(judged: pd.DataFrame, row: NDArray[np.int64], threshold: pd.Series) -> pd.DataFrame:
    """How far each run is, and when it reached its threshold: a row for each run that has been judged.

    Args:
        row: which run each row of `judged` belongs to.
        threshold: of each run.
    """
    by = judged.groupby([row, judged["step"].to_numpy(dtype=np.int64)], sort=False)
    counts, once = by[["asked", "correct"]].sum(), by[["seconds", "validation_asked", "validation_correct"]].first()
    evaluations = counts.join(once).astype(np.float64).rename_axis(["row", "step"]).reset_index("step")
    evaluations["accuracy"] = evaluations["correct"] / evaluations["asked"]
    evaluations["validation_accuracy"] = evaluations["validation_correct"] / evaluations["validation_asked"]
    unknown = evaluations["validation_accuracy"].isna().groupby("row").transform("any")
    evaluations.loc[unknown, "validation_accuracy"] = np.nan
    outcomes = evaluations.groupby("row")[["step", "accuracy", "validation_accuracy", "seconds"]].nth(-1)
    may_have = wilson(evaluations["validation_correct"], evaluations["validation_asked"])[1]
    bar = threshold[evaluations.index].to_numpy()
    reached = evaluations[evaluations["accuracy"] >= bar]
    reached_in_validation = evaluations[~unknown & (may_have >= bar)]
    outcomes["steps_to_threshold"] = reached.groupby("row")["step"].min()
    outcomes["validation_steps_to_threshold"] = reached_in_validation.groupby("row")["step"].min()
    return outcomes
