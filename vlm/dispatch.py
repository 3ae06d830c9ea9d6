"""From the configs of a command of `vlm` to its end: what begins with another run comes after it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from training.dispatch import checked, dispatch, end
from training.options import EngineOptions
from training.run import require_folder
from training.runner import RunOptions
from training.sweep import Outcome, read_experiment
from vlm.config import TrainConfig
from vlm.plan import print_plan
from vlm.status import WORDS
from vlm.train import check, run_vlm


def run_experiment(
    file: Path,
    out: Path,
    dry_run: bool,
    options: EngineOptions,
    features: Path | None,
    **of_runs: Unpack[RunOptions],
) -> None:
    """Carries out what `runs()` of a file yields, or prints what it is."""
    configs = read_experiment(file, TrainConfig)
    if dry_run:
        print_plan([config for some in _in_turn(configs) for config in some], out)
        return
    run_configs(configs, out, options, features, **of_runs)


def run_configs(
    configs: Sequence[TrainConfig],
    out: Path,
    options: EngineOptions | None,
    features: Path | None = None,
    **of_runs: Unpack[RunOptions],
) -> None:
    """Carries out runs below `out`, and before them those that they begin with.

    Args:
        options: None for this process.
        features: folder for the encoder's features.
    """
    turns = _in_turn(configs)
    if features is not None:
        require_folder(features, "the features")
    for some in turns:  # all of them before the first, which may take days
        _, runs = checked(some, out, options, of_runs)
        for config, run in zip(some, runs, strict=True):
            if run.state != "finished":
                check(config)
    outcomes: list[Outcome[Any]] = []
    for some in turns:
        engine, runs = checked(some, out, options, of_runs)
        found = dispatch(some, runs, out, partial(run_vlm, features=features), engine, of_runs)
        outcomes += found
        if any(outcome.state not in ("finished", "skipped") for outcome in found):
            break
    end(outcomes, WORDS)


def _in_turn(configs: Sequence[TrainConfig]) -> list[list[TrainConfig]]:
    """The configs and what they begin with, each once: first those that begin with none of the others."""
    generations: list[list[TrainConfig]] = []
    later = list(configs)
    while later:
        generations.insert(0, later)
        later = list(dict.fromkeys(config.start for config in later if isinstance(config.start, TrainConfig)))
    seen: set[TrainConfig] = set()
    ordered = []
    for generation in generations:
        fresh = [config for config in dict.fromkeys(generation) if config not in seen]
        seen.update(fresh)
        ordered.append(fresh)
    return [generation for generation in ordered if generation]
