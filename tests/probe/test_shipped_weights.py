"""The pair `tiny-pretrained`, whose weights are in this repository: what they are and what they can."""

import hashlib
import json
from pathlib import Path

import pytest
from accelerate import Accelerator

from backbones import load
from backbones.models import ledger
from backbones.pairs import FAMILIES, SHIPPED, source_of
from probe.pretrain import NextToken, PretrainConfig, run_pretrain
from training.config import identity
from training.run import read_curve
from training.sweep import read_experiment

ROOT = Path(__file__).parents[2]
INDUCTION = {"pythia": 0.99, "mamba": 0.85}
WEIGHTS = {
    "tiny-pretrained/pythia": "18180cd02337650529864a5ebf146b995e5edd56346e2e740141d850487f3cc4",
    "tiny-pretrained/mamba": "c2a596fe3abc98feb0885990422eeba3805a4efc6bd17f32ec2d3a51a1c66b8a",
}
"""A run is known by the name of its model: weights that change are another pair, with another name."""

NAMES = [f"{pair}/{family}" for pair in SHIPPED for family in FAMILIES]


def made_by(name):
    """The config in experiments/ that made a shipped model."""
    pair, _, family = name.partition("/")
    configs = read_experiment(ROOT / "experiments" / f"pretrain_{SHIPPED[pair]}.py", PretrainConfig)
    (config,) = (config for config in configs if config.name == f"{SHIPPED[pair]}/{family}")
    return config


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_those_that_the_name_stands_for(name):
    folder = Path(source_of(name))
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert digest == WEIGHTS[name]
    card = (folder / "README.md").read_text()
    assert digest in card and identity(made_by(name)) in card
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3 * 2**20


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_finds_in_the_context_what_stood_there_before(name):
    record = NextToken(made_by(name)).evaluate(load(name).eval(), Accelerator(), {})
    assert sum(record["correct"]) / sum(record["asked"]) > INDUCTION[name.partition("/")[2]]
    last = json.loads((Path(source_of(name)) / "curve.jsonl").read_text().splitlines()[-1])
    assert record["correct"] == pytest.approx(last["correct"], abs=3)


@pytest.mark.parametrize("pair", SHIPPED)
def test_the_two_models_match(pair):
    pythia, mamba = (ledger(load(f"{pair}/{family}")) for family in FAMILIES)
    assert abs(pythia["parameters"] / mamba["parameters"] - 1) <= 0.05
    for equal in ("width", "rows_of_vocabulary", "tied"):
        assert pythia[equal] == mamba[equal]


def test_the_probe_starts_from_them_by_name(cli, tmp_path):
    settings = ["--length", 6, "--steps", 4, "--evaluations", 1, "--batch", 8, "--held-out-examples", 60]
    for arguments in (["--pretrained", "tiny", "--family", "pythia"], ["--pair", "tiny-pretrained"]):
        result = cli("train", *arguments, *settings, "--out", "runs")
        assert result.returncode == 0, result.stderr
    configs = [json.loads(path.read_text())["config"] for path in (tmp_path / "runs").glob("*/config.json")]
    assert {config["model"]["name"] for config in configs} == set(NAMES)
    assert {config["optimisation"]["learning_rate"] for config in configs} == {1e-3}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_experiment_makes_them_again(name, tmp_path):
    run = run_pretrain(made_by(name), tmp_path)
    shipped = Path(source_of(name))
    ours, theirs = (read_curve(folder)[-1] for folder in (run.folder, shipped))
    assert sum(ours["correct"]) == pytest.approx(sum(theirs["correct"]), rel=0.1)
