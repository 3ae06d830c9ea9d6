"""A sweep: what it runs, what it leaves, and that one run's failure is its own."""

import pytest
from small_runs import small_config

from training.loop import Interrupted
from training.run import Run, read_status
from training.sweep import sweep

CONFIGS = [small_config(seed=seed) for seed in range(4)]


def finishing(out, seen):
    def run_one(config, place):
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

    def run_one(config, place):
        if config.task.seed == 1:
            raise MemoryError("too large")
        return good(config, place)

    outcomes = sweep(CONFIGS, tmp_path, run_one)
    assert [outcome.state for outcome in outcomes] == ["finished", "failed", "finished", "finished"]
    assert outcomes[1].error == "MemoryError: too large"
    assert read_status(outcomes[1].run.folder)["state"] == "failed"
    again = sweep(CONFIGS, tmp_path, good)
    assert [outcome.state for outcome in again] == ["skipped", "finished", "skipped", "skipped"]


def test_an_interruption_ends_the_sweep_and_leaves_the_rest_planned(tmp_path):
    def run_one(config, place):
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
