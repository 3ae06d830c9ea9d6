"""A sweep: what it runs, what it leaves, and that one run's failure is its own."""

import dataclasses
import itertools
import os
import signal
from functools import partial

import pytest
from small_runs import small_config, without_seconds

import training.sweep
from probe.trainer import run_probe
from training import loop
from training.config import ConfigError
from training.engines import Inline
from training.local import Local
from training.loop import Interrupted
from training.run import Run, read_curve, read_status
from training.sweep import sweep

CONFIGS = [small_config(seed=seed) for seed in range(4)]
LONG = dataclasses.replace(CONFIGS[0].optimisation, steps=100_000, evaluations=1)


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
        outcomes = sweep(
            CONFIGS[:2], tmp_path / str(workers), partial(run_probe, out=tmp_path / str(workers)), Local(workers)
        )
        assert [outcome.state for outcome in outcomes] == ["finished"] * 2
    for config in CONFIGS[:2]:
        alone, beside = (without_seconds(read_curve(Run(tmp_path / count, config).folder)) for count in ("1", "2"))
        assert alone == beside and len(alone) == 3


def test_a_worker_that_is_killed_fails_its_run_and_not_the_sweep(tmp_path):
    outcomes = sweep(CONFIGS[:3], tmp_path, partial(run_or_die, out=tmp_path), Local(2))
    assert [outcome.state for outcome in outcomes] == ["finished", "failed", "finished"]
    assert outcomes[1].error == "its process ended with SIGKILL"
    assert read_status(outcomes[1].run.folder)["state"] == "failed"


@pytest.mark.parametrize("engine", [Inline(), Local(2)])
def test_a_run_that_another_process_is_at_is_left_alone(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(training.sweep, "PATIENCE", 0.0)
    other = Run(tmp_path, CONFIGS[0])
    with other.owned():
        other.start({})
        outcomes = sweep(CONFIGS[:2], tmp_path, partial(run_probe, out=tmp_path), engine)
        assert [outcome.state for outcome in outcomes] == ["taken", "finished"]
        assert other.state == "running" and not (other.folder / "curve.jsonl").exists()
    assert [outcome.state for outcome in sweep(CONFIGS[:2], tmp_path, partial(run_probe, out=tmp_path))] == [
        "finished",
        "skipped",
    ]


def signal_later(config, out, *, place, row):
    """A run in whose midst its terminal gets Ctrl-C: the sweep above it and the runs beside it do as well."""
    if config.task.seed == 0:
        original, counter = loop._step, itertools.count()

        def stepping(*arguments):
            if next(counter) == 5:
                os.kill(os.getppid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)
            return original(*arguments)

        loop._step = stepping
    run_probe(config, out, place=place, row=row)


def test_ctrl_c_saves_the_runs_of_all_workers_and_starts_no_other(tmp_path):
    configs = [dataclasses.replace(config, optimisation=LONG) for config in CONFIGS]
    outcomes = sweep(configs, tmp_path, partial(signal_later, out=tmp_path), Local(2))
    assert [outcome.state for outcome in outcomes] == ["interrupted"] * 2
    states = [read_status(Run(tmp_path, config).folder)["state"] for config in configs]
    assert states[0] == "interrupted" and states[2:] == ["planned", "planned"]
    # The other was told while it trained, and saved; or before it had begun, and had nothing to save.
    assert states[1] in ("interrupted", "planned", "running")


def test_workers_and_processes_of_a_run_do_not_go_together(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="cannot be had at once"):
        sweep(CONFIGS, tmp_path, run_or_die, Local(2))
    assert not any(tmp_path.iterdir())


def test_a_sweep_without_workers_is_refused():
    with pytest.raises(ConfigError, match="at least 1 worker"):
        Local(0)


def test_a_new_failure_is_reported_and_not_that_of_the_last_time(tmp_path):
    def run_one(config, *, place, row):
        raise ValueError("a new reason")

    Run(tmp_path, CONFIGS[0]).fail("RuntimeError: an old reason")
    (outcome,) = sweep(CONFIGS[:1], tmp_path, run_one)
    assert (outcome.state, outcome.error) == ("failed", "ValueError: a new reason")


def test_a_run_that_another_sweep_finished_meanwhile_stays_finished(tmp_path):
    def run_one(config, *, place, row):
        run_probe(config, tmp_path)  # the other sweep
        raise MemoryError("while it was prepared")

    (outcome,) = sweep(CONFIGS[:1], tmp_path, run_one)
    assert outcome.state == "finished" and read_status(outcome.run.folder)["state"] == "finished"
