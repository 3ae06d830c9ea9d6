"""A sweep: the runs of an experiment file, one after the other, each to its end whatever the others do.

An experiment is Python: a file with a function `runs()` that yields configs. There is no other language for it.
"""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from training.config import ConfigError, identity, require
from training.loop import Interrupted
from training.run import Run

C = TypeVar("C")


@dataclass(frozen=True)
class Outcome(Generic[C]):
    """What became of one config in a sweep."""

    config: C
    run: Run
    state: Literal["finished", "skipped", "failed", "interrupted"]
    """skipped: it was finished before."""
    error: str = ""
    """Why it failed, in a line."""


def read_experiment(file: Path, kind: type[C]) -> list[C]:
    """The configs that `runs()` of an experiment file yields, without repeats.

    Raises:
        ConfigError: the file does not exist, does not run, or yields anything but configs of this kind.
    """
    require(file.is_file(), f"{file} does not exist: name an experiment file, such as experiments/quick.py.")
    spec = importlib.util.spec_from_file_location(f"experiment_{file.stem}", file)
    require(spec is not None and spec.loader is not None, f"{file} is not a Python file.")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses in the file look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"{file} does not run: {type(error).__name__}: {error}") from error
    require(callable(getattr(module, "runs", None)), f"{file} has no function runs() that yields configs.")
    try:
        configs = list(module.runs())
    except ConfigError as error:
        raise ConfigError(f"{file} asks for a run that cannot be: {error}") from error
    except Exception as error:
        raise ConfigError(f"runs() of {file} stops with {type(error).__name__}: {error}") from error
    require(bool(configs), f"runs() of {file} yields no run.")
    strange = next((config for config in configs if not isinstance(config, kind)), None)
    require(strange is None, f"runs() of {file} must yield {kind.__name__}, not {type(strange).__name__}.")
    return list({identity(config): config for config in configs}.values())


def sweep(configs: Sequence[C], out: Path, run_one: Callable[[C, str], Run]) -> list[Outcome[C]]:
    """Runs every config that is not finished, and carries on with the rest when one fails.

    Args:
        run_one: runs a config to its end below `out`; it is given a place in the sweep, such as "3/12", to show.

    Raises:
        ConfigError: `out` cannot hold one of the runs; nothing has been written.
    """
    runs = [Run(out, config) for config in configs]
    states = [run.state for run in runs]
    for run in runs:
        run.plan()
    outcomes: list[Outcome[C]] = []
    for number, (config, run, state) in enumerate(zip(configs, runs, states, strict=True), start=1):
        if state == "finished":
            outcomes.append(Outcome(config, run, "skipped"))
            continue
        try:
            run_one(config, f"{number}/{len(configs)}")
        except Interrupted as stop:
            outcomes.append(Outcome(config, run, "interrupted", str(stop)))
            break
        except Exception as error:  # whatever it is, the other runs have nothing to do with it
            if run.state != "failed":  # it could not even start
                run.set_state("failed", traceback=f"{type(error).__name__}: {error}")
            outcomes.append(Outcome(config, run, "failed", f"{type(error).__name__}: {error}"))
        else:
            outcomes.append(Outcome(config, run, "finished"))
    return outcomes
