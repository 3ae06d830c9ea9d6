"""`probe status` and `probe retry`: what a folder of runs is said to be, without torch, and what is done about it."""

import json
import subprocess
import sys

import pytest
from small_runs import RAN, in_state, one_in_each_state, small_config

from probe.pretrain import PretrainConfig
from training.config import Optimisation, from_dict, to_dict
from training.run import Run


@pytest.fixture
def runs(tmp_path):
    return one_in_each_state(tmp_path)


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


def test_status_imports_no_torch(runs):
    code = (
        "import sys; from pathlib import Path;"
        "from probe.status import WORDS; from training.status import print_status;"
        f"print_status(Path({str(runs)!r}), WORDS); print([m for m in ('torch', 'transformers') if m in sys.modules])"
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
