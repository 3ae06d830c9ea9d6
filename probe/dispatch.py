"""From the configs of a command to its end: what can be wrong first, then the runs, then what became of them."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from backbones.pairs import PARAMETERS, source_of
from probe.config import ProbeConfig
from probe.options import EngineOptions, stop
from probe.pretrain import PretrainConfig, run_pretrain
from probe.report import print_plan, print_sequences
from probe.runner import RunOptions, check_tracker
from probe.status import print_rows
from probe.trainer import check_models, run_probe
from training import checkpoint
from training.config import from_dict, require
from training.engines import Engine, Inline
from training.local import Local
from training.loop import check_batch
from training.ray_cluster import RayCluster
from training.run import Run, read_config, read_kind, read_state, run_folders
from training.session import command, is_main_process, part, process_count
from training.slurm_cluster import SlurmCluster
from training.sweep import Outcome, read_experiment, sweep

KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (ProbeConfig, PretrainConfig)}


def run_experiment(file: Path, out: Path, dry_run: bool, options: EngineOptions, **of_runs: Unpack[RunOptions]) -> None:
    """Carries out what `runs()` of a file yields: runs of the probe, or of pretraining."""
    configs: list[ProbeConfig | PretrainConfig] = read_experiment(file, (ProbeConfig, PretrainConfig))
    probes, pretrainings = _apart(configs)
    require(not (probes and pretrainings), f"{file} mixes runs of the probe and pretraining: make two files of it.")
    if probes:
        run_probes(probes, out, dry_run, options, **of_runs)
        return
    require(not dry_run, f"{file} pretrains, and there is no estimate for that: leave --dry-run out.")
    run_pretrainings(pretrainings, out, options, **of_runs)


def retry_failed(out: Path, options: EngineOptions, **of_runs: Unpack[RunOptions]) -> None:
    """Carries out the runs below a folder that failed, from their own configs."""
    folders = run_folders(out)
    require(bool(folders), f"{out} holds no runs: name the folder that probe train or probe sweep wrote to.")
    failed = [folder for folder in folders if read_state(folder) == "failed"]
    if not failed:
        print(f"None of the {len(folders)} runs in {out} has failed.")
        return
    unknown = next((folder for folder in failed if read_kind(folder) not in KINDS), None)
    require(unknown is None, f"{unknown} is no run of probe: leave it to the command that wrote it.")
    probes, pretrainings = _apart([from_dict(KINDS[read_kind(folder)], read_config(folder)) for folder in failed])
    if probes:
        run_probes(probes, out, False, options, **of_runs)
    if pretrainings:
        run_pretrainings(pretrainings, out, options, **of_runs)


def run_probes(
    configs: Sequence[ProbeConfig],
    out: Path,
    dry_run: bool,
    options: EngineOptions | None,
    **of_runs: Unpack[RunOptions],
) -> None:
    """Carries out runs of the probe below `out`, or prints what they are and how long they take.

    Args:
        options: None for this process.
    """
    engine, runs = _checked(configs, out, options, of_runs)
    # A plan needs no more of the pretrained pairs than their size, which is known: it can be made far from the hub.
    # And a run that is finished needs nothing more of its model.
    left = [config for config, run in zip(configs, runs, strict=True) if run.state != "finished"]
    check_models([c for c in left if not (dry_run and source_of(c.model.name) in PARAMETERS)])
    if dry_run:
        print_plan(configs, runs, (options and options.workers) or 1)
        return
    of_runs["command"] = command()
    outcomes = sweep(configs, out, partial(run_probe, out=out.absolute(), **of_runs), engine)
    _end(outcomes)


def run_pretrainings(
    configs: Sequence[PretrainConfig], out: Path, options: EngineOptions, **of_runs: Unpack[RunOptions]
) -> None:
    """Carries out pretraining runs below `out`."""
    engine, _ = _checked(configs, out, options, of_runs)
    of_runs["command"] = command()
    outcomes = sweep(configs, out, partial(run_pretrain, out=out.absolute(), **of_runs), engine)
    if is_main_process():
        print_sequences(configs)
    _end(outcomes)


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
    if options.engine == "ray":
        return RayCluster(options.address, options.gpus or 0.0, options.cpus or 1.0, options.workers, options.amounts())
    if options.engine == "slurm":
        gpus, cpus = options.gpus or 0, options.cpus or 1
        require(gpus == int(gpus) and cpus == int(cpus), "a job of Slurm gets whole GPUs and CPUs.")
        return SlurmCluster(
            out.absolute() / "slurm", options.partition, options.hours, int(gpus), int(cpus), options.workers or 64
        )
    return Local(options.workers, options.per_gpu)


def _apart(configs: Sequence[ProbeConfig | PretrainConfig]) -> tuple[list[ProbeConfig], list[PretrainConfig]]:
    probes = [config for config in configs if isinstance(config, ProbeConfig)]
    return probes, [config for config in configs if isinstance(config, PretrainConfig)]


def _checked(
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


def _end(outcomes: Sequence[Outcome[Any]]) -> None:
    """Says what became of the runs, and ends with the exit code of what did not come to its end."""
    part()
    if is_main_process():
        print_rows([outcome.run.folder for outcome in outcomes])
        for outcome in outcomes:
            if outcome.error:
                print(f"{outcome.run.folder}: {outcome.state}: {outcome.error}", file=sys.stderr)
    if any(outcome.state == "interrupted" for outcome in outcomes):
        stop("Interrupted; the same command goes on from here.", 130)
    if any(outcome.state in ("failed", "taken") for outcome in outcomes):
        sys.exit(1)
