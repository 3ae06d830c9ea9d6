"""Models that leave their run: what is written, and what is refused."""

import hashlib

import pytest
import torch
from small_runs import small_config
from transformers import GPTNeoXForCausalLM

from probe.export import export_model
from probe.trainer import run_probe
from training.config import ConfigError
from training.run import Run, read_ran_with


@pytest.fixture
def run(tmp_path):
    return run_probe(small_config(), tmp_path / "runs")


def test_a_model_is_exported_with_a_card_that_names_its_weights(cli, run, tmp_path):
    result = cli("export", run.folder, "--out", "models/mine")
    assert result.returncode == 0, result.stderr
    out = tmp_path / "models" / "mine"
    ours = GPTNeoXForCausalLM.from_pretrained(out).state_dict()
    trained = GPTNeoXForCausalLM.from_pretrained(run.folder / "checkpoint").state_dict()
    assert ours.keys() == trained.keys() and all(torch.equal(ours[key], trained[key]) for key in ours)
    card = (out / "README.md").read_text()
    assert hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest() in card
    assert f"Command: `{read_ran_with(run.folder)['command']}`" in card
    assert run.folder.name in card and "parameters 1" in card and '"learning_rate": 0.002' in card
    assert (out / "curve.jsonl").read_text() == (run.folder / "curve.jsonl").read_text()


def test_what_cannot_be_exported_is_refused_and_nothing_written(run, tmp_path):
    out = tmp_path / "model"
    with pytest.raises(ConfigError, match="is not the folder of a run"):
        export_model(tmp_path / "nowhere", out)
    planned = Run(tmp_path / "runs", small_config(seed=1))
    planned.plan()
    with pytest.raises(ConfigError, match="is not finished"):
        export_model(planned.folder, out)
    bare = run_probe(small_config(seed=2), tmp_path / "runs", keep_weights=False)
    with pytest.raises(ConfigError, match="kept no weights"):
        export_model(bare.folder, out)
    assert not out.exists()
    with pytest.raises(ConfigError, match="exists: name a new folder"):
        export_model(run.folder, tmp_path)
