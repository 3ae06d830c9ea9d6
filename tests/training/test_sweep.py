"""A sweep: what it runs, what it leaves, and that one run's failure is its own."""

import os
import signal
from functools import partial

import pytest
from small_runs import small_config, without_seconds

from probe.trainer import run_probe
from training.config import ConfigError
from training.loop import Interrupted
from training.run import Run, read_curve, read_status
from training.sweep import sweep

CONFIGS = [small_config(seed=seed) for seed in range(4)]


def finishing(out, seen):
    def run_one(config, *, place, row):
        seen.append((config.task.seed, place))
        run = Run(out, config)
        run.set_state("finished")
        return run

    return run_one


def test_runs_that_are_finished_are_skipped(tmp_path):
    seen = []
    assert [o.state for o in sweep(CONFIGS[:2], tmp_path, finishing(tmp_path, seen))] == ["finished"] * 2
    outcomes = sweep(CONFIGS, tmp_path, finishing(tmp_path, seen))
    assert [outcome.state for outcome in outcomes] == ["skipped", "skipped", "finished", "finished"]
    assert seen == [(0, "1/2"), (1, "2/2"), (2, "3/4"), (3, "4/4")]


def test_a_run_that_fails_does_not_stop_the_rest(tmp_path):
    good = finishing(tmp_path, [])

    def run_one(config, *, place, row):
        if config.task.seed == 1:
            raise MemoryError("too large")
        return good(config, place=place, row=row)

    outcomes = sweep(CONFIGS, tmp_path, run_one)
    assert [outcome.state for outcome in outcomes] == ["finished", "failed", "finished", "finished"]
    assert outcomes[1].error == "MemoryError: too large"
    assert read_status(outcomes[1].run.folder)["state"] == "failed"
    again = sweep(CONFIGS, tmp_path, good)
    assert [outcome.state for outcome in again] == ["skipped", "finished", "skipped", "skipped"]


def test_an_interruption_ends_the_sweep_and_leaves_the_rest_planned(tmp_path):
    def run_one(config, *, place, row):
        raise Interrupted("saved at step 3")

    outcomes = sweep(CONFIGS, tmp_path, run_one)
    assert [outcome.state for outcome in outcomes] == ["interrupted"]
    assert [read_status(Run(tmp_path, config).folder)["state"] for config in CONFIGS] == ["planned"] * 4


def test_nothing_is_written_if_one_of_the_runs_cannot_be(tmp_path):
    Run(tmp_path, CONFIGS[2]).plan()
    (Run(tmp_path, CONFIGS[2]).folder / "config.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="is not the config of a run"):
        sweep(CONFIGS, tmp_path, finishing(tmp_path, []))
    assert sorted(tmp_path.rglob("*")) == before


def run_or_die(config, out, *, place, row):
    """Stands for a run whose process the system kills."""
    if config.task.seed == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    run_probe(config, out, place=place, row=row)


def test_workers_give_the_curves_of_one_process(tmp_path):
    for workers in (1, 2):
        outcomes = sweep(CONFIGS[:2], tmp_path / str(workers), partial(run_probe, out=tmp_path / str(workers)), workers)
        assert [outcome.state for outcome in outcomes] == ["finished"] * 2
    for config in CONFIGS[:2]:
        alone, beside = (without_seconds(read_curve(Run(tmp_path / count, config).folder)) for count in ("1", "2"))
        assert alone == beside and len(alone) == 3


def test_a_worker_that_is_killed_fails_its_run_and_not_the_sweep(tmp_path):
    outcomes = sweep(CONFIGS[:3], tmp_path, partial(run_or_die, out=tmp_path), 2)
    assert [outcome.state for outcome in outcomes] == ["finished", "failed", "finished"]
    assert outcomes[1].error == "its process ended with SIGKILL"
    assert read_status(outcomes[1].run.folder)["state"] == "failed"


def test_a_sweep_without_workers_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="at least 1 worker"):
        sweep(CONFIGS, tmp_path, run_or_die, 0)
