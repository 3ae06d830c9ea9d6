"""`probe status` and `probe retry`: what a folder of runs is said to be, without torch, and what is done about it."""

import json
import os
import subprocess
import sys

import pytest
from small_runs import small_config

from probe.pretrain import PretrainConfig
from probe.status import duration, overview, watch_status
from training.config import Optimisation, from_dict, to_dict
from training.progress import last_line, progress_of, seconds_left
from training.run import Run, read_status, run_folders

RAN = {"device": "cpu", "processes": 1, "model": {"family": "pythia", "parameters": 1000}}


def in_state(out, state, seed, ran_with=RAN, **details):
    run = Run(out, small_config(seed=seed, steps=100, evaluations=4))
    run.start(ran_with)
    run.set_state(state, **details)
    return run


@pytest.fixture
def runs(tmp_path):
    """One run in each state."""
    known = {"steps": 100, "accuracy": 0.5, "learned_at": None}
    done = {**known, "step": 60, "accuracy": 0.96, "learned_at": 60}
    in_state(tmp_path, "finished", 0, seconds=30.0, **done)
    in_state(tmp_path, "interrupted", 1, step=20, seconds=10.0, **known)
    in_state(tmp_path, "failed", 2, traceback="Traceback\n  File x\nmodule.Diverged: the loss became nan")
    Run(tmp_path, small_config(seed=3, steps=100, evaluations=4)).plan()
    in_state(tmp_path, "running", 4, step=40, seconds=20.0, **known)  # whose process is gone
    broken = Run(tmp_path, small_config(seed=5, steps=100, evaluations=4))
    broken.plan()
    (broken.folder / "config.json").write_text("{half")
    return tmp_path


def test_every_state_is_counted_and_what_is_left_is_told_from_runs_alike(runs):
    alive = Run(runs, small_config(seed=6, steps=100, evaluations=4))
    with alive.owned():
        alive.start(RAN)
        alive.set_state("running", step=50, steps=100, seconds=25.0)
        seen = overview(run_folders(runs))
    expected = {"running": 1, "planned": 1, "interrupted": 2, "failed": 1, "damaged": 1, "finished": 1}
    assert seen.totals.states == expected
    left = {row["state"]: row["seconds_left"] for row in seen.rows}
    assert left["running"] == 25.0 and left["planned"] == 50.0 and left["failed"] == 50.0, "half a second a step"
    assert left["finished"] == left["damaged"] == 0.0
    assert seen.totals.hours_left == pytest.approx((25 + 50 + 50 + 40 + 30) / 3600)
    assert seen.totals.unit == "CPU-hours" and seen.totals.unknown == 0
    (running,) = (row for row in seen.rows if row["state"] == "running")
    assert str(os.getpid()) in running["owner"] and running["steps_a_second"] == pytest.approx(2.0)


def test_the_hours_of_a_gpu_count_for_each_of_them(tmp_path):
    on_gpus = {**RAN, "device": "NVIDIA H100", "processes": 4}
    in_state(tmp_path, "interrupted", 0, on_gpus, step=50, steps=100, seconds=1800.0)
    totals = overview(run_folders(tmp_path)).totals
    assert (totals.unit, totals.hours_spent, totals.hours_left) == ("GPU-hours", 2.0, 2.0)


def test_a_speed_nobody_knows_is_said_to_be_unknown(tmp_path):
    Run(tmp_path, small_config()).plan()
    other = Run(tmp_path, small_config("tiny/mamba"))
    other.start(RAN)
    other.set_state("interrupted", step=4, steps=12, seconds=4.0)
    progress = [progress_of(Run(tmp_path, small_config(name)).folder) for name in ("tiny/pythia", "tiny/mamba")]
    assert seconds_left(progress) == [None, 8.0]
    assert overview(run_folders(tmp_path)).totals.unknown == 1


def test_the_table_and_the_json_say_the_same(cli, runs):
    shown, told = cli("status", runs), json.loads(cli("status", runs, "--json").stdout)
    assert shown.returncode == 0, shown.stderr
    assert "1 planned, 2 interrupted, 1 failed, 1 damaged, 1 finished" in shown.stdout
    assert "Diverged: the loss became nan" in shown.stdout and "probe retry" in shown.stdout
    assert told["totals"]["states"] == {"planned": 1, "interrupted": 2, "failed": 1, "damaged": 1, "finished": 1}
    for row in told["runs"]:
        assert row["run"] in shown.stdout
    (finished,) = (row for row in told["runs"] if row["state"] == "finished")
    assert (finished["steps_to_threshold"], finished["accuracy"], finished["step"]) == (60, 0.96, 60)
    (failed,) = (row for row in told["runs"] if row["state"] == "failed")
    assert failed["error"] == "Diverged: the loss became nan"


def test_many_failures_of_one_kind_are_one_line(cli, tmp_path):
    for seed in range(5):
        in_state(tmp_path, "failed", seed, traceback="MemoryError: too large")
    lines = [line for line in cli("status", tmp_path).stdout.splitlines() if "MemoryError" in line]
    assert len(lines) == 1 and "and 2 more failed: MemoryError: too large" in lines[0]


def test_watching_ends_when_nothing_is_left_to_wait_for(runs, capsys):
    for folder in run_folders(runs):
        if read_status(folder)["state"] == "planned":
            (folder / "status.json").write_text('{"state": "failed", "traceback": "E: x"}')
    watch_status(runs)
    assert "failed" in capsys.readouterr().out


def test_status_imports_no_torch(runs):
    code = (
        "import sys; from pathlib import Path; from probe.status import print_status;"
        f"print_status(Path({str(runs)!r})); print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().endswith("[]")


def test_retry_runs_what_failed_and_nothing_else(cli, tmp_path):
    failed = Run(tmp_path / "runs", small_config())
    failed.start(RAN)
    failed.set_state("failed", traceback="RuntimeError: out of luck")
    Run(tmp_path / "runs", small_config(seed=1)).plan()
    result = cli("retry", "runs")
    assert result.returncode == 0, result.stderr
    assert failed.state == "finished" and Run(tmp_path / "runs", small_config(seed=1)).state == "planned"
    again = cli("retry", "runs")
    assert again.returncode == 0 and "None of the 2 runs in runs has failed." in again.stdout


@pytest.mark.parametrize(
    "config",
    [
        small_config(pool=9, betas=(0.8, 0.99), micro_batch=4, order="prefix", supervision="from-target"),
        PretrainConfig(name="tiny/mamba", optimisation=Optimisation(steps=9, evaluations=3)),
    ],
)
def test_a_config_comes_back_from_its_settings(config):
    assert from_dict(type(config), json.loads(json.dumps(to_dict(config)))) == config


def test_settings_of_another_version_are_named():
    settings = to_dict(small_config())
    with pytest.raises(ValueError, match="has no setting colour in this version"):
        from_dict(type(small_config()), {**settings, "colour": "red"})
    del settings["threshold"]
    with pytest.raises(ValueError, match="needs threshold in this version"):
        from_dict(type(small_config()), settings)


def test_a_traceback_ends_in_words():
    assert last_line("Traceback ...\n  File\ntraining.loop.Diverged: the loss became nan\n") == (
        "Diverged: the loss became nan"
    )
    assert last_line("its process ended with SIGKILL") == "its process ended with SIGKILL" and last_line("") == ""


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "5 s"), (59, "59 s"), (60, "1.0 min"), (7_300, "2.0 h"), (200_000, "2.3 days")]
)
def test_a_duration_is_said_in_words(seconds, said):
    assert duration(seconds) == said
