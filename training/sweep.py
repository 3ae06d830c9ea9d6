"""A sweep: the runs of an experiment file, one or several at a time, each to its end whatever the others do.

An experiment is Python: a file with a function `runs()` that yields configs. There is no other language for it.
"""

import importlib.util
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, Literal, TypeVar

from training.config import ConfigError, identity, require
from training.loop import Interrupted
from training.run import Run, TakenError, read_status
from training.session import is_main_process, process_count
from training.workers import INTERRUPTED, TAKEN, Job, run_all

C = TypeVar("C")


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


def sweep(configs: Sequence[C], out: Path, run_one: Callable[..., object], workers: int = 1) -> list[Outcome[C]]:
    """Runs every config that is not finished, and carries on with the rest when one fails.

    Args:
        run_one: runs a config to its end below `out`. It is called as run_one(config, place="3/12", row=0) with what to
            show its progress as: a place in the sweep and a row of the terminal. With several workers it has to survive
            pickling.
        workers: runs at a time, each in a process of its own with its share of the threads; 1 for this process.

    Raises:
        ConfigError: `out` cannot hold one of the runs, or there are no workers; nothing has been written.
    """
    require(workers >= 1, f"a sweep needs at least 1 worker, not {workers}.")
    require(
        workers == 1 or process_count() == 1,
        "several workers and several processes a run cannot be had at once: leave accelerate launch or --workers out.",
    )
    runs = [Run(out, config) for config in configs]
    done = [run.state == "finished" for run in runs]
    if is_main_process():
        for run in runs:
            run.plan()
    outcomes = {n: Outcome(configs[n], runs[n], "skipped") for n in range(len(configs)) if done[n]}
    left = [n for n in range(len(configs)) if not done[n]]
    jobs = [partial(_attempt, run_one, runs[n], f"{n + 1}/{len(configs)}") for n in left]
    ends = _one_by_one(jobs) if workers == 1 else run_all(jobs, workers)
    for number, code in ends:
        n = left[number]
        if runs[n].state == "finished":  # however its process ended after that
            outcomes[n] = Outcome(configs[n], runs[n], "finished")
        elif code == INTERRUPTED:
            outcomes[n] = Outcome(configs[n], runs[n], "interrupted", "saved, and goes on when it is started again")
        elif code == TAKEN:
            outcomes[n] = Outcome(configs[n], runs[n], "taken", "another process is at it")
        else:
            outcomes[n] = Outcome(configs[n], runs[n], "failed", _last_words(runs[n], code))
    return [outcomes[n] for n in sorted(outcomes)]


def _attempt(run_one: Callable[..., object], run: Run, place: str, *, row: int) -> None:
    """Runs a config; whatever it fails of is written to its status, and ends the process or is caught beside it."""
    try:
        run_one(run.config, place=place, row=row)
    except Interrupted:
        raise
    except TakenError as error:
        raise SystemExit(TAKEN) from error
    except Exception as error:
        if is_main_process() and run.state != "failed":  # it did not even start
            run.set_state("failed", traceback=traceback.format_exc())
        raise SystemExit(1) from error


def _one_by_one(jobs: Sequence[Job]) -> Iterator[tuple[int, int]]:
    """`training.workers.run_all` for a single worker, which is this process."""
    for number, job in enumerate(jobs):
        try:
            job(row=0)
        except Interrupted:
            yield number, INTERRUPTED
            return
        except SystemExit as end:
            # The run's failure, which the other runs have nothing to do with. Where a run has several processes the
            # others wait for this one, and only an end of all of them frees them.
            if process_count() > 1:
                raise
            yield number, int(end.code or 0)
        else:
            yield number, 0


def _last_words(run: Run, code: int) -> str:
    """Why a run failed, in a line; a process that could not say it is described by its exit code."""
    status = read_status(run.folder)
    if status.get("state") == "failed":
        return str(status["traceback"]).strip().splitlines()[-1]
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    words = f"its process ended with {how}"
    if is_main_process():
        run.set_state("failed", traceback=words)
    return words
