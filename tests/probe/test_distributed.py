"""Several processes see the same examples in the same order, and the same losses, as one."""

import subprocess
import sys
from pathlib import Path

import pytest

from training.run import read_curve, read_ran_with, read_status, run_folders

ROOT = Path(__file__).parents[2]

SETTINGS = ["--length", "8", "--steps", "50", "--evaluations", "50", "--batch", "16", "--held-out-examples", "83"]
SETTINGS += ["--validation-examples", "21"]

SWEEP = """
from probe.config import Model, ProbeConfig
from probe.task import RetrievalTask
from training.config import Optimisation

def runs():
    for seed, precision in enumerate(("fp32", "bf16", "fp32")):
        yield ProbeConfig(
            task=RetrievalTask(6, "suffix", seed=seed),
            model=Model(name="tiny/pythia"),
            optimisation=Optimisation(steps=4, evaluations=2, batch=8, precision=precision),
            held_out_examples=12,
            validation_examples=7,
        )
"""


def launch(processes, *arguments):
    # What `accelerate launch` starts on several GPUs; on a CPU it would ask for MPI.
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    result = subprocess.run(
        [*command, "-m", "probe", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]


def curve_of(out, family, processes):
    launch(processes, "train", "--family", family, *SETTINGS, "--no-stop-at-threshold", "--out", out)
    (folder,) = run_folders(out)
    assert read_ran_with(folder)["processes"] == processes
    return read_curve(folder)


@pytest.mark.parametrize("family", ["pythia", "mamba"])
def test_two_processes_learn_what_one_does(family, tmp_path):
    one, two = (curve_of(tmp_path / str(count), family, count) for count in (1, 2))
    assert len(one) == len(two) == 50
    for a, b in zip(one, two, strict=True):
        assert a["asked"] == b["asked"]
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)
        assert a["held_out_loss"] == pytest.approx(b["held_out_loss"], rel=1e-5)


def test_the_runs_of_a_sweep_follow_each_other_in_the_same_processes(tmp_path):
    file = tmp_path / "experiment.py"
    file.write_text(SWEEP)
    launch(2, "sweep", file, "--out", tmp_path / "runs")
    folders = run_folders(tmp_path / "runs")
    assert [read_status(folder)["state"] for folder in folders] == ["finished"] * 3
    assert {read_ran_with(folder)["processes"] for folder in folders} == {2}


def test_a_batch_that_cannot_be_divided_is_refused(tmp_path):
    from training.config import ConfigError, Optimisation
    from training.loop import check_batch

    assert check_batch(Optimisation(batch=64), 4) == 16
    with pytest.raises(ConfigError, match="cannot be divided among 3 processes"):
        check_batch(Optimisation(batch=64), 3)
