"""The experiments: every file yields the runs that its figure needs, and the demo works from end to end in short."""

import dataclasses
import json
from functools import partial
from pathlib import Path

import pytest

from backbones.pairs import FAMILIES
from probe.config import ProbeConfig
from probe.figures import draw_all
from probe.pretrain import PretrainConfig
from probe.protocol import LEARNING_RATES
from probe.trainer import run_probe
from training.config import identity, to_dict
from training.sweep import read_experiment, sweep

ROOT = Path(__file__).parents[1]

FILES = sorted((ROOT / "experiments").glob("*.py"))
PAPER = {
    "figure6_sample_efficiency": ("suffix", 54),
    "figure7_positions": ("suffix", 18),
    "figure12_prefix": ("prefix", 54),
}


KINDS = (ProbeConfig, PretrainConfig)


def without_family(config):
    """All of a config but its family, and which that is."""
    settings = to_dict(config)
    model = settings["model"] if isinstance(config, ProbeConfig) else settings
    pair, _, family = model["name"].partition("/")
    model["name"] = pair
    return json.dumps(settings), family


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_experiment_yields_matched_runs_and_says_what_it_is(file):
    configs = read_experiment(file, KINDS)
    settings = [without_family(config) for config in configs]
    pythia, mamba = ({rest for rest, its_family in settings if its_family == family} for family in FAMILIES)
    assert pythia == mamba, "the two families differ in nothing but the family"
    assert len(configs) == len(pythia) + len(mamba)
    text = file.read_text()
    for said in ("Claim", "Command", "Expected", "Cost"):
        assert said in text


@pytest.mark.parametrize("name", PAPER)
def test_the_paper_s_grids_are_its_own(name):
    order, count = PAPER[name]
    configs = read_experiment(ROOT / "experiments" / f"{name}.py", ProbeConfig)
    assert len(configs) == count
    for config in configs:
        assert config.task.order == order and config.model.is_pretrained and config.optimisation.batch == 64
        assert config.optimisation.steps == 78_125 == config.train_examples * 5 // 64
        assert (config.train_examples, config.held_out_examples, config.threshold) == (1_000_000, 100_000, 0.95)
        assert config.optimisation.evaluations == 100
    assert {c.optimisation.learning_rate for c in configs} == set(LEARNING_RATES)
    assert {c.model.init_seed for c in configs} == {0, 1, 2}


def test_the_runs_of_figure_7_are_among_those_of_figure_6():
    six, seven = (
        {identity(c) for c in read_experiment(ROOT / "experiments" / f"{name}.py", ProbeConfig)}
        for name in ("figure6_sample_efficiency", "figure7_positions")
    )
    assert seven < six


def test_the_runs_of_the_demo_are_among_those_of_the_whole_comparison():
    demo, whole = (
        {identity(c) for c in read_experiment(ROOT / "experiments" / f"{name}.py", ProbeConfig)}
        for name in ("quick", "pretraining_matters")
    )
    assert demo < whole


def test_the_demo_in_short_draws_its_figures(tmp_path):
    configs = [
        dataclasses.replace(
            config,
            optimisation=dataclasses.replace(config.optimisation, steps=6, evaluations=3, batch=8),
            held_out_examples=config.task.length * 4,
        )
        for config in read_experiment(ROOT / "experiments" / "quick.py", ProbeConfig)
    ]
    outcomes = sweep(configs, tmp_path / "runs", partial(run_probe, out=tmp_path / "runs"))
    assert {outcome.state for outcome in outcomes} == {"finished"}
    drawn = {path.name for path in draw_all(tmp_path / "runs", tmp_path / "figures")}
    kept = {path.name for path in (ROOT / "figures" / "quick").iterdir()}
    assert drawn == kept, "figures/quick holds what the demo draws"


def test_notebooks_are_kept_without_errors():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            assert not any(output["output_type"] == "error" for output in cell.get("outputs", []))
