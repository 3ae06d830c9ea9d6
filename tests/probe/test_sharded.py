"""Processes that share one model out among them, as `experiments/accelerate` has them, learn what one process does."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import launch_command_parser
from safetensors.torch import load_file
from small_runs import without_seconds
from transformers import AutoModelForCausalLM

from training.config import ConfigError
from training.parts import batches
from training.run import read_curve, read_ran_with, read_status, run_folders

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "experiments" / "accelerate"

KINDS = {"fsdp": "FSDP", "zero2": "DEEPSPEED", "zero3": "DEEPSPEED"}

needs_deepspeed = pytest.mark.skipif(not importlib.util.find_spec("deepspeed"), reason="deepspeed is not installed")
SHARDED = ["fsdp", *(pytest.param(name, marks=needs_deepspeed) for name in ("zero2", "zero3"))]
PAIRED = [
    pytest.param((config, family), marks=[] if config == "fsdp" else needs_deepspeed, id=f"{config}-{family}")
    for config in KINDS
    for family in ("pythia", "mamba")
]

# Of the eight examples of a step, each of two processes takes micro-batches of 3, 3 and 2.
SETTINGS = ["--length", "8", "--batch", "16", "--micro-batch", "3", "--steps", "50", "--evaluations", "50"]
SETTINGS += ["--held-out-examples", "83", "--validation-examples", "21", "--no-stop-at-threshold"]

# Of 2,049 examples one process takes one more than the other, and has a second batch for it.
SWEEP = """
from small_runs import small_config

def runs():
    for seed, precision in enumerate(("fp32", "bf16", "fp32")):
        yield small_config("tiny/mamba", steps=4, evaluations=2, seed=seed, precision=precision, held_out_examples=2049)
"""


def launch(config, *arguments, interrupt_at=None):
    """`accelerate launch` with one of our configs, on two processes of this machine's CPU."""
    environment = {key: value for key, value in os.environ.items() if key != "ACCELERATE_USE_CPU"}
    environment |= {"CUDA_VISIBLE_DEVICES": "", "DS_ACCELERATOR": "cpu", "INTERRUPT_AT": str(interrupt_at)}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    options = ["--config_file", CONFIGS / f"{config}.yaml", "--num_processes", 2, "--main_process_port", 0]
    command = [sys.executable, "-m", "accelerate.commands.launch", *options, ROOT / "tests" / "launched_on_cpu.py"]
    with subprocess.Popen(
        [*map(str, command), *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            _, errors = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # processes that wait for each other as well
            raise
    assert (process.returncode == 0) == (interrupt_at is None), errors[-3000:]


def train(family, out):
    return ["train", "--family", family, *SETTINGS, "--out", out]


@pytest.fixture(scope="module", params=PAIRED)
def undisturbed(request, tmp_path_factory):
    """A config, a family, and the folder of a run of both."""
    config, family = request.param
    out = tmp_path_factory.mktemp(config)
    launch(config, *train(family, out))
    return config, family, run_folders(out)[0]


def assert_same_losses(one, two):
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert a["asked"] == b["asked"]
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)
        assert a["held_out_loss"] == pytest.approx(b["held_out_loss"], rel=1e-5)


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda file: file.stem)
def test_accelerate_knows_every_key_of_a_config(file):
    config = load_config_from_file(str(file))
    known = vars(launch_command_parser().parse_args(["script.py"])).keys()
    inner = {key for part in yaml.safe_load(file.read_text()).values() if isinstance(part, dict) for key in part}
    assert inner <= known
    assert config.mixed_precision == "no"
    assert str(file.relative_to(ROOT)) in file.read_text()


def test_two_processes_with_one_model_learn_what_one_does(undisturbed, cli, tmp_path):
    config, family, two = undisturbed
    assert cli(*train(family, tmp_path)).returncode == 0
    (one,) = run_folders(tmp_path)
    recorded = read_ran_with(two)
    assert (recorded["processes"], recorded["distributed"]) == (2, KINDS[config])
    assert_same_losses(read_curve(one), read_curve(two))

    weights, gathered = (load_file(run / "checkpoint" / "model.safetensors") for run in (one, two))
    assert weights.keys() == gathered.keys()
    model = AutoModelForCausalLM.from_pretrained(two / "checkpoint")
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    for name, tensor in weights.items():
        torch.testing.assert_close(gathered[name], tensor, rtol=1e-4, atol=1e-3)  # half a step of AdamW
        assert torch.equal(model.state_dict()[name], gathered[name])


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(undisturbed, cli, tmp_path):
    config, family, whole = undisturbed
    launch(config, *train(family, tmp_path), interrupt_at=25)
    (folder,) = run_folders(tmp_path)
    assert (read_status(folder)["state"], read_status(folder)["step"]) == ("interrupted", 40)

    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    alone = cli(*train(family, tmp_path))
    assert alone.returncode == 2
    assert "its checkpoint is of another kind" in " ".join(alone.stderr.split())
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    launch(config, *train(family, tmp_path))
    assert read_status(folder)["state"] == "finished"
    assert without_seconds(read_curve(folder)) == without_seconds(read_curve(whole))


@pytest.mark.parametrize("config", SHARDED)
def test_every_run_of_a_sweep_is_shared_out_whatever_its_precision(config, tmp_path):
    file = tmp_path / "experiment.py"
    file.write_text(SWEEP)
    launch(config, "sweep", file, "--out", tmp_path / "runs")
    folders = run_folders(tmp_path / "runs")
    assert [read_status(folder)["state"] for folder in folders] == ["finished"] * 3
    assert {read_ran_with(folder)["distributed"] for folder in folders} == {KINDS[config]}


@pytest.mark.parametrize(("total", "batch"), [(83, 1024), (2049, 1024), (9, 3), (9, 1), (4, 1), (1000, 7)])
def test_every_process_gets_as_many_batches_and_none_is_empty(total, batch):
    for processes in (1, 2, 3, 4):
        ranks = [SimpleNamespace(num_processes=processes, process_index=k, device="cpu") for k in range(processes)]
        parts = [list(batches(range(5, 5 + total), batch, rank)) for rank in ranks]
        assert len({len(part) for part in parts}) == 1
        assert torch.equal(torch.cat([piece for part in parts for piece in part]), torch.arange(5, 5 + total))
        assert {1 <= len(piece) <= max(batch, 2) for part in parts for piece in part} == {True}


def test_fewer_examples_than_processes_are_refused():
    with pytest.raises(ConfigError, match="cannot be divided among 4 processes"):
        list(batches(range(3), 8, SimpleNamespace(num_processes=4, process_index=0, device="cpu")))


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
@pytest.mark.parametrize("family", ["pythia", "mamba"])
@pytest.mark.parametrize("config", ["ddp", *SHARDED])
def test_two_gpus_learn_what_one_does(config, family, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "ACCELERATE_USE_CPU"}
    options = ["--config_file", CONFIGS / f"{config}.yaml", "--num_processes", 2, "--main_process_port", 0]
    for out, launcher in (("one", []), ("two", ["-m", "accelerate.commands.launch", *options])):
        command = [sys.executable, *launcher, "-m", "probe", *train(family, tmp_path / out)]
        subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, timeout=600, check=True)
    one, two = (read_curve(run_folders(tmp_path / out)[0]) for out in ("one", "two"))
    for a, b in zip(one, two, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)  # kernels add up in an order of their own
