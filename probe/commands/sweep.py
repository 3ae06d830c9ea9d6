"""`probe sweep`, `status` and `retry`: many runs, how far they are, and those that failed once more."""

from pathlib import Path
from typing import Annotated

import typer

from probe.commands.app import app
from training.options import (
    Address,
    Checkpoints,
    EngineName,
    EngineOptions,
    Hours,
    KeepWeights,
    Partition,
    PerGpu,
    PerRunCpus,
    PerRunGpus,
    Resources,
    Runs,
    SweepWorkers,
    Tracker,
)


@app.command(
    epilog="`probe sweep experiments/quick.py --out runs/quick --workers 2` · "
    "`probe sweep experiments/figure6_sample_efficiency.py --out runs/figure6 --dry-run` · "
    "`probe sweep experiments/figure6_sample_efficiency.py --out /shared/figure6 --engine ray --address auto --gpus 1`"
)
def sweep(
    file: Annotated[Path, typer.Argument(help="An experiment: a Python file with runs().", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Folder for the runs.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the runs and an estimate of the time.")] = False,
    engine: EngineName = "local",
    workers: SweepWorkers = None,
    per_gpu: PerGpu = 1,
    gpus: PerRunGpus = None,
    cpus: PerRunCpus = None,
    address: Address = None,
    resource: Resources = None,
    partition: Partition = None,
    hours: Hours = 24.0,
    tracker: Tracker = None,
    checkpoint_minutes: Checkpoints = 10.0,
    keep_weights: KeepWeights = True,
) -> None:
    """Run every run of an experiment that is not finished; one that fails does not stop the rest.

    The same command again goes on where it stopped, whatever stopped it. Several at once share the runs among them.
    """
    options = EngineOptions(engine, workers, per_gpu, gpus, cpus, address, tuple(resource or ()), partition, hours)

    from probe.dispatch import run_experiment

    run_experiment(
        file, out, dry_run, options, tracker=tracker, checkpoint_minutes=checkpoint_minutes, keep_weights=keep_weights
    )


@app.command(epilog="`probe status runs/quick` · `probe status runs/quick --watch` · `probe status runs/quick --json`")
def status(
    folder: Runs,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for a script.")] = False,
) -> None:
    """Show each run: its state, how far it is, how fast, what it has left, and when it reached the threshold."""
    from probe.status import WORDS
    from training.status import show_status

    show_status(folder, WORDS, watch=watch, as_json=as_json)


@app.command(epilog="`probe retry runs/quick --workers 2`")
def retry(
    folder: Runs,
    engine: EngineName = "local",
    workers: SweepWorkers = None,
    per_gpu: PerGpu = 1,
    gpus: PerRunGpus = None,
    cpus: PerRunCpus = None,
    address: Address = None,
    resource: Resources = None,
    partition: Partition = None,
    hours: Hours = 24.0,
    tracker: Tracker = None,
    checkpoint_minutes: Checkpoints = 10.0,
    keep_weights: KeepWeights = True,
) -> None:
    """Run the runs below DIR again that failed: each goes on from its last checkpoint, if it has one."""
    options = EngineOptions(engine, workers, per_gpu, gpus, cpus, address, tuple(resource or ()), partition, hours)

    from probe.dispatch import retry_failed

    retry_failed(folder, options, tracker=tracker, checkpoint_minutes=checkpoint_minutes, keep_weights=keep_weights)
