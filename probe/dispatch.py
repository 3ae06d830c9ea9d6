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
from training.config import ConfigError, from_dict, require
from training.engines import Engine, Inline
from training.local import Local
from training.loop import check_batch
from training.progress import Progress, progress_of
from training.ray_cluster import RayCluster
from training.run import Run, run_folders
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
    """Carries out the runs below a folder that failed, from their own configs. Those that cannot be read are passed
    over with a sentence."""
    seen = [progress_of(folder) for folder in run_folders(out)]
    require(bool(seen), f"{out} holds no runs: name the folder that probe train or probe sweep wrote to.")
    for run in seen:
        if run.state == "damaged":
            print(run.error, file=sys.stderr)
    failed = [run for run in seen if run.state == "failed"]
    if not failed:
        print(f"None of the {len(seen)} runs in {out} has failed.")
        return
    probes, pretrainings = _apart([_config_of(run) for run in failed])
    _end(
        (_probes(probes, out, options, of_runs) if probes else [])
        + (_pretrainings(pretrainings, out, options, of_runs) if pretrainings else [])
    )


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
    if not dry_run:
        _end(_probes(configs, out, options, of_runs))
        return
    _, runs = _checked(configs, out, options, of_runs)
    # A plan needs no more of the pretrained pairs than their size, which is known: it can be made far from the hub.
    left = [config for config, run in zip(configs, runs, strict=True) if run.state != "finished"]
    check_models([config for config in left if source_of(config.model.name) not in PARAMETERS])
    print_plan(configs, runs, (options and options.workers) or 1)


def run_pretrainings(
    configs: Sequence[PretrainConfig], out: Path, options: EngineOptions, **of_runs: Unpack[RunOptions]
) -> None:
    """Carries out pretraining runs below `out`."""
    _end(_pretrainings(configs, out, options, of_runs))


def _probes(
    configs: Sequence[ProbeConfig], out: Path, options: EngineOptions | None, of_runs: RunOptions
) -> list[Outcome[Any]]:
    engine, runs = _checked(configs, out, options, of_runs)
    # A run that is finished needs nothing more of its model.
    check_models([config for config, run in zip(configs, runs, strict=True) if run.state != "finished"])
    of_runs["command"] = command()
    return _complete(sweep(configs, out, partial(run_probe, out=out.absolute(), **of_runs), engine), runs)


def _pretrainings(
    configs: Sequence[PretrainConfig], out: Path, options: EngineOptions, of_runs: RunOptions
) -> list[Outcome[Any]]:
    engine, runs = _checked(configs, out, options, of_runs)
    of_runs["command"] = command()
    outcomes = sweep(configs, out, partial(run_pretrain, out=out.absolute(), **of_runs), engine)
    if is_main_process():
        print_sequences(configs)
    return _complete(outcomes, runs)


def _complete(outcomes: Sequence[Outcome[Any]], runs: Sequence[Run]) -> list[Outcome[Any]]:
    """With those that an interruption left without a turn."""
    reached = {outcome.run.folder for outcome in outcomes}
    return [*outcomes, *(Outcome(run.config, run, "interrupted") for run in runs if run.folder not in reached)]


def _config_of(run: Progress) -> Any:
    """The config of a run, as this version has it."""
    require(run.kind in KINDS, f"{run.folder} is no run of probe: leave it to the command that wrote it.")
    try:
        return from_dict(KINDS[run.kind], run.config)
    except ConfigError as error:
        raise ConfigError(f"{run.folder} cannot be run again: {error}") from error


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
