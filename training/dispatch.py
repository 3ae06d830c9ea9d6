"""What all commands that carry out runs do: find out what can be wrong, carry them out, say what became of them."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from training import checkpoint
from training.config import require
from training.door import stop
from training.engines import Engine, Inline
from training.local import Local
from training.loop import check_batch
from training.options import EngineOptions
from training.ray_cluster import RayCluster
from training.run import Run
from training.runner import RunOptions, check_tracker
from training.session import command, is_main_process, part, process_count
from training.slurm_cluster import SlurmCluster
from training.status import Words, print_rows
from training.sweep import Outcome, sweep


def checked(
    configs: Sequence[Any], out: Path, options: EngineOptions | None, of_runs: RunOptions
) -> tuple[Engine, list[Run]]:
    """The engine and the runs of these configs, none of them written yet.

    Raises:
        ConfigError: one of them cannot be.
    """
    check_tracker(of_runs.get("tracker"))
    engine = engine_of(options, out)
    runs = [Run(out, config) for config in configs]
    for config in configs:
        check_batch(config.optimisation, process_count())
    for run in runs:
        checkpoint.check(run.folder)
    return engine, runs


def dispatch(
    configs: Sequence[Any],
    runs: Sequence[Run],
    out: Path,
    run_one: Callable[..., object],
    engine: Engine,
    of_runs: RunOptions,
) -> list[Outcome[Any]]:
    """Carries out what is not finished of these configs; what became of each of them, those that an interruption left
    without a turn among them.

    Args:
        runs: of the configs, in their order.
        run_one: called as run_one(config, out=..., place=..., row=..., **of_runs), perhaps in another process.
    """
    doing = partial(run_one, out=out.absolute(), **of_runs, command=command())
    outcomes = sweep(configs, out, doing, engine)
    reached = {outcome.run.folder for outcome in outcomes}
    return [*outcomes, *(Outcome(run.config, run, "interrupted") for run in runs if run.folder not in reached)]


def engine_of(options: EngineOptions | None, out: Path) -> Engine:
    """The engine that the options ask for.

    Raises:
        ConfigError: it cannot be had here.
    """
    if process_count() > 1:
        require(
            options in (None, EngineOptions()),
            "workers and several processes a run cannot be had at once: leave accelerate launch, or --engine and "
            "--workers, out.",
        )
        return Inline()
    if options is None:
        return Inline()
    cpus = 1.0 if options.cpus is None else options.cpus
    if options.engine == "ray":
        return RayCluster(options.address, options.gpus or 0.0, cpus, options.workers, options.amounts())
    if options.engine == "slurm":
        gpus = options.gpus or 0.0
        require(gpus == int(gpus) and cpus == int(cpus), "a job of Slurm gets whole GPUs and CPUs.")
        return SlurmCluster(
            out.absolute() / "slurm", options.partition, options.hours, int(gpus), int(cpus), options.workers or 64
        )
    return Local(options.workers, options.per_gpu)


def end(outcomes: Sequence[Outcome[Any]], words: Words) -> None:
    """Says what became of the runs, and ends with the exit code of what did not come to its end."""
    part()
    if is_main_process():
        print_rows([outcome.run.folder for outcome in outcomes], words)
        for outcome in outcomes:
            if outcome.error:
                print(f"{outcome.run.folder}: {outcome.state}: {outcome.error}", file=sys.stderr)
    if any(outcome.state == "interrupted" for outcome in outcomes):
        stop("Interrupted; the same command goes on from here.", 130)
    if any(outcome.state in ("failed", "taken") for outcome in outcomes):
        sys.exit(1)
