"""`vlm sweep` and `status`: the runs of an experiment, and how far they are."""

from pathlib import Path
from typing import Annotated

import typer

from training.options import (
    Address,
    Checkpoints,
    EngineName,
    EngineOptions,
    Hours,
    Partition,
    PerGpu,
    PerRunCpus,
    PerRunGpus,
    Resources,
    Runs,
    SweepWorkers,
    Tracker,
)
from vlm.commands.app import app
from vlm.options import Features


@app.command(epilog="`vlm sweep experiments/world_pair.py --out runs/world_pair --workers 2`")
def sweep(
    file: Annotated[Path, typer.Argument(help="An experiment: a Python file with runs().", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Folder for the runs.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the runs and what they take.")] = False,
    engine: EngineName = "local",
    workers: SweepWorkers = None,
    per_gpu: PerGpu = 1,
    gpus: PerRunGpus = None,
    cpus: PerRunCpus = None,
    address: Address = None,
    resource: Resources = None,
    partition: Partition = None,
    hours: Hours = 24.0,
    features: Features = None,
    tracker: Tracker = None,
    checkpoint_minutes: Checkpoints = 10.0,
) -> None:
    """Run every run of an experiment that is not finished, and before it the one that it begins with.

    The same command again goes on where it stopped, whatever stopped it. Several at once share the runs among them.
    """
    options = EngineOptions(engine, workers, per_gpu, gpus, cpus, address, tuple(resource or ()), partition, hours)

    from vlm.dispatch import run_experiment

    run_experiment(file, out, dry_run, options, features, tracker=tracker, checkpoint_minutes=checkpoint_minutes)


@app.command(epilog="`vlm status runs/world_pair` · `vlm status runs/world_pair --watch`")
def status(
    folder: Runs,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for a script.")] = False,
) -> None:
    """Show each run: its state, how far it is, how fast, and what it has left."""
    from training.status import show_status
    from vlm.status import WORDS

    show_status(folder, WORDS, watch=watch, as_json=as_json)
