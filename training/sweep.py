"""A sweep: the runs of an experiment file, one or several at a time, each to its end whatever the others do.

An experiment is Python: a file with a function `runs()` that yields configs. There is no other language for it.
"""

import importlib.util
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from training.config import ConfigError, identity, require
from training.engines import INTERRUPTED, TAKEN, Engine, Inline
from training.lock import TakenError, is_taken, owner_of
from training.loop import Interrupted
from training.progress import last_line
from training.run import Run, read_status
from training.session import is_main_process, process_count

C = TypeVar("C")

PATIENCE = 10.0
"""Seconds that a sweep waits, at its end, for runs that another process is at."""

TURNS = 3
"""How often such a run is tried."""


@dataclass(frozen=True)
class Outcome(Generic[C]):
    """What became of one config in a sweep."""

    config: C
    run: Run
    state: Literal["finished", "skipped", "failed", "interrupted", "taken"]
    """skipped: it was finished before; taken: another process is at it."""
    error: str = ""
    """Why it failed, in a line."""


def read_experiment(file: Path, kinds: type[C] | tuple[type[C], ...]) -> list[C]:
    """The configs that `runs()` of an experiment file yields, without repeats.

    Raises:
        ConfigError: the file does not exist, does not run, or yields anything but configs of these kinds.
    """
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    require(file.is_file(), f"{file} does not exist: name an experiment file, such as experiments/quick.py.")
    spec = importlib.util.spec_from_file_location(f"experiment_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses in the file look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"{file} does not run: {type(error).__name__}: {error}") from error
    require(callable(getattr(module, "runs", None)), f"{file} has no function runs() that yields configs.")
    try:
        configs = list(module.runs())
    except ValueError as error:  # ConfigError, and what other packages raise of the kind
        raise ConfigError(f"{file} asks for a run that cannot be: {error}") from error
    except Exception as error:
        raise ConfigError(f"runs() of {file} stops with {type(error).__name__}: {error}") from error
    require(bool(configs), f"runs() of {file} yields no run.")
    strange = next((config for config in configs if not isinstance(config, kinds)), None)
    wanted = " or ".join(kind.__name__ for kind in kinds)
    require(strange is None, f"runs() of {file} must yield {wanted}, not {type(strange).__name__}.")
    return list({identity(config): config for config in configs}.values())


def sweep(
    configs: Sequence[C], out: Path, run_one: Callable[..., object], engine: Engine | None = None
) -> list[Outcome[C]]:
    """Runs every config that is not finished, and carries on with the rest when one fails.

    Args:
        run_one: runs a config to its end below `out`. It is called as run_one(config, place="3/12", row=0) with what to
            show its progress as: a place in the sweep and a row of the terminal. It has to survive pickling, unless the
            engine is Inline.
        engine: where; Inline unless given.

    Raises:
        ConfigError: `out` cannot hold one of the runs; nothing has been written.
    """
    engine = engine or Inline()
    require(
        process_count() == 1 or isinstance(engine, Inline),
        "workers and several processes a run cannot be had at once: leave accelerate launch, or the engine, out.",
    )
    runs = [Run(out, config) for config in configs]
    # Several processes of a run ask their first one, each time, and do not look for themselves.
    done = [run.state == "finished" and process_count() == 1 for run in runs]
    if is_main_process():
        for run in runs:
            run.plan()
    before = [read_status(run.folder) for run in runs]
    outcomes = {n: Outcome(configs[n], runs[n], "skipped") for n in range(len(configs)) if done[n]}
    left = [n for n in range(len(configs)) if not done[n]]
    for turn in range(1, TURNS + 1):
        if not left:
            break
        jobs = [partial(_attempt, run_one, runs[n], f"{n + 1}/{len(configs)}") for n in left]
        for number, code in engine.run(jobs):
            n = left[number]
            outcomes[n] = _outcome(configs[n], runs[n], code, before[n])
        # Runs that another process was at have their turn again once all others have had theirs: it may have been the
        # worker of a sweep that was killed, which saves its run and ends.
        taken = [n for n in left if n in outcomes and outcomes[n].state == "taken"]
        is_over = turn == TURNS or process_count() > 1 or _is_interrupted(outcomes)
        left = [] if is_over else _let_go(runs, taken)
    return [outcomes[n] for n in sorted(outcomes)]


def _attempt(run_one: Callable[..., object], run: Run, place: str, *, row: int) -> None:
    """Runs a config; whatever it fails of is written to its status, and ends the job with an exit code."""
    try:
        run_one(run.config, place=place, row=row)
    except Interrupted:
        raise
    except TakenError as error:
        raise SystemExit(TAKEN) from error
    except Exception as error:
        if is_main_process() and not run.fail(traceback.format_exc()):
            print(f"{run.folder}: {error}", file=sys.stderr)  # there is no room for it, or the run is another's
        raise SystemExit(1) from error


def _outcome(config: C, run: Run, code: int, before: dict[str, Any]) -> Outcome[C]:
    """What became of a run, from its directory and the exit code of its job.

    Args:
        before: its status before.
    """
    if run.state == "finished":  # however its job ended after that
        return Outcome(config, run, "finished")
    if code == INTERRUPTED:
        return Outcome(config, run, "interrupted", "saved, and goes on when it is started again")
    if code == TAKEN:
        return Outcome(config, run, "taken", f"{owner_of(run.folder) or 'another process'} is at it")
    return Outcome(config, run, "failed", _last_words(run, code, before))


def _is_interrupted(outcomes: dict[int, Outcome[C]]) -> bool:
    return any(outcome.state == "interrupted" for outcome in outcomes.values())


def _let_go(runs: Sequence[Run], taken: Sequence[int]) -> list[int]:
    """Those of the taken runs that are let go of within a while."""
    until = time.monotonic() + PATIENCE
    while taken and time.monotonic() < until:
        free = [n for n in taken if not is_taken(runs[n].folder)]
        if free:
            return free
        time.sleep(0.2)
    return []


def _last_words(run: Run, code: int, before: dict[str, Any]) -> str:
    """Why a run failed, in a line; a process that could not say it is described by its exit code."""
    status = read_status(run.folder)
    if status.get("state") == "failed" and status != before:
        return last_line(str(status["traceback"]))
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    words = f"its process ended with {how}"
    if is_main_process():
        run.fail(words)
    return words
