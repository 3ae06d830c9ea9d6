"""From the configs of a command of `probe` to its end: runs of the task, and of pretraining."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from backbones.pairs import PARAMETERS, source_of
from probe.config import ProbeConfig
from probe.pretrain import PretrainConfig, run_pretrain
from probe.report import print_plan, print_sequences
from probe.status import WORDS
from probe.trainer import check_models, run_probe
from training.config import ConfigError, from_dict, require
from training.dispatch import checked, dispatch, end
from training.options import EngineOptions
from training.progress import Progress, progress_of
from training.runner import RunOptions
from training.session import is_main_process
from training.status import require_runs
from training.sweep import Outcome, read_experiment

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
    seen = [progress_of(folder) for folder in require_runs(out, "probe")]
    for run in seen:
        if run.state == "damaged":
            print(run.error, file=sys.stderr)
    failed = [run for run in seen if run.state == "failed"]
    if not failed:
        print(f"None of the {len(seen)} runs in {out} has failed.")
        return
    probes, pretrainings = _apart([_config_of(run) for run in failed])
    end(
        (_probes(probes, out, options, of_runs) if probes else [])
        + (_pretrainings(pretrainings, out, options, of_runs) if pretrainings else []),
        WORDS,
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
        end(_probes(configs, out, options, of_runs), WORDS)
        return
    _, runs = checked(configs, out, options, of_runs)
    # A plan needs no more of the pretrained pairs than their size, which is known: it can be made far from the hub.
    left = [config for config, run in zip(configs, runs, strict=True) if run.state != "finished"]
    check_models([config for config in left if source_of(config.model.name) not in PARAMETERS])
    print_plan(configs, runs, (options and options.workers) or 1)


def run_pretrainings(
    configs: Sequence[PretrainConfig], out: Path, options: EngineOptions, **of_runs: Unpack[RunOptions]
) -> None:
    """Carries out pretraining runs below `out`."""
    end(_pretrainings(configs, out, options, of_runs), WORDS)


def _probes(
    configs: Sequence[ProbeConfig], out: Path, options: EngineOptions | None, of_runs: RunOptions
) -> list[Outcome[Any]]:
    engine, runs = checked(configs, out, options, of_runs)
    # A run that is finished needs nothing more of its model.
    check_models([config for config, run in zip(configs, runs, strict=True) if run.state != "finished"])
    return dispatch(configs, runs, out, run_probe, engine, of_runs)


def _pretrainings(
    configs: Sequence[PretrainConfig], out: Path, options: EngineOptions, of_runs: RunOptions
) -> list[Outcome[Any]]:
    engine, runs = checked(configs, out, options, of_runs)
    outcomes = dispatch(configs, runs, out, run_pretrain, engine, of_runs)
    if is_main_process():
        print_sequences(configs)
    return outcomes


def _config_of(run: Progress) -> Any:
    """The config of a run, as this version has it."""
    require(run.kind in KINDS, f"{run.folder} is no run of probe: leave it to the command that wrote it.")
    try:
        return from_dict(KINDS[run.kind], run.config)
    except ConfigError as error:
        raise ConfigError(f"{run.folder} cannot be run again: {error}") from error


def _apart(configs: Sequence[ProbeConfig | PretrainConfig]) -> tuple[list[ProbeConfig], list[PretrainConfig]]:
    probes = [config for config in configs if isinstance(config, ProbeConfig)]
    return probes, [config for config in configs if isinstance(config, PretrainConfig)]
