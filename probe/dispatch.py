"""From the configs of a command to its end: what can be wrong first, then the runs, then what became of them."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from backbones.pairs import PARAMETERS, source_of
from probe.config import ProbeConfig
from probe.curves import read_runs
from probe.options import stop
from probe.pretrain import PretrainConfig, run_pretrain
from probe.report import print_plan, print_pretrained, print_runs, print_sequences
from probe.runner import RunOptions, check_tracker
from probe.trainer import check_models, run_probe
from training import checkpoint
from training.config import require
from training.loop import check_batch
from training.run import Run
from training.session import is_main_process, part, process_count
from training.sweep import Outcome, read_experiment, sweep


def run_experiment(file: Path, out: Path, dry_run: bool, workers: int, **options: Unpack[RunOptions]) -> None:
    """Carries out what `runs()` of a file yields: runs of the probe, or of pretraining."""
    configs = read_experiment(file, (ProbeConfig, PretrainConfig))
    probes = [config for config in configs if isinstance(config, ProbeConfig)]
    pretrainings = [config for config in configs if isinstance(config, PretrainConfig)]
    require(not (probes and pretrainings), f"{file} mixes runs of the probe and pretraining: make two files of it.")
    if probes:
        run_probes(probes, out, dry_run, workers, **options)
        return
    require(not dry_run, f"{file} pretrains, and there is no estimate for that: leave --dry-run out.")
    run_pretrainings(pretrainings, out, workers, **options)


def run_probes(
    configs: Sequence[ProbeConfig], out: Path, dry_run: bool, workers: int, **options: Unpack[RunOptions]
) -> None:
    """Carries out runs of the probe below `out`, or prints what they are and how long they take."""
    runs = _checked(configs, out, options)
    # A plan needs no more of the pretrained pairs than their size, which is known: it can be made far from the hub.
    # And a run that is finished needs nothing more of its model.
    left = [config for config, run in zip(configs, runs, strict=True) if run.state != "finished"]
    check_models([c for c in left if not (dry_run and source_of(c.model.name) in PARAMETERS)])
    if dry_run:
        print_plan(configs, runs, workers)
        return
    outcomes = sweep(configs, out, partial(run_probe, out=out, **options), workers)
    if is_main_process():
        print_runs(read_runs([run.folder for run in runs])[0])
    _end(outcomes)


def run_pretrainings(configs: Sequence[PretrainConfig], out: Path, workers: int, **options: Unpack[RunOptions]) -> None:
    """Carries out pretraining runs below `out`."""
    runs = _checked(configs, out, options)
    outcomes = sweep(configs, out, partial(run_pretrain, out=out, **options), workers)
    if is_main_process():
        print_pretrained([run.folder for run in runs])
        print_sequences(configs)
    _end(outcomes)


def _checked(configs: Sequence[Any], out: Path, options: RunOptions) -> list[Run]:
    """The runs of these configs, none of them written yet.

    Raises:
        ConfigError: one of them cannot be.
    """
    check_tracker(options.get("tracker"))
    runs = [Run(out, config) for config in configs]
    for config in configs:
        check_batch(config.optimisation, process_count())
    for run in runs:
        checkpoint.check(run.folder)
    return runs


def _end(outcomes: Sequence[Outcome[Any]]) -> None:
    """Says what did not come to its end, and ends with the exit code of that."""
    part()
    if is_main_process():
        for outcome in outcomes:
            if outcome.error:
                print(f"{outcome.run.folder}: {outcome.state}: {outcome.error}", file=sys.stderr)
    if any(outcome.state == "interrupted" for outcome in outcomes):
        stop("Interrupted; the same command goes on from here.", 130)
    if any(outcome.state in ("failed", "taken") for outcome in outcomes):
        sys.exit(1)
