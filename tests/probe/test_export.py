"""Models that leave their run, and runs as a table: what is written, and what is refused."""

import hashlib
import re

import pandas as pd
import pytest
import torch
from small_runs import small_config
from transformers import GPTNeoXForCausalLM

from probe.export import export_model, export_table
from probe.trainer import run_probe
from training.config import ConfigError
from training.frame import tidy
from training.run import Run, read_ran_with, run_folders


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
    weights = planned.folder.with_name(run.folder.name) / "checkpoint" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ConfigError, match=r"are damaged \(model.safetensors is not what was written\)"):
        export_model(run.folder, out)
    weights.write_bytes(whole)
    with pytest.raises(ConfigError, match="exists: name a new folder"):
        export_model(run.folder, tmp_path)


@pytest.fixture
def sweep(run, tmp_path):
    """Two runs, one of which has not been started."""
    Run(tmp_path / "runs", small_config("tiny/mamba", pool=9)).plan()
    return run.folder.parent


def test_all_runs_are_exported_as_one_table(cli, sweep, tmp_path):
    result = cli("export", sweep, "--parquet", "tables/all.parquet")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "tables/all.parquet"
    read, frame = pd.read_parquet(tmp_path / "tables" / "all.parquet"), tidy(run_folders(sweep))
    assert frame["run"].nunique() == 2 and len(frame) == 3 * 6 + 1
    # Parquet keeps categories of texts alone: constant numbers come back as plain ones, equal in all else.
    assert read.columns.tolist() == frame.columns.tolist() and read["task.length"].dtype == "int64"
    pd.testing.assert_frame_equal(read.astype(frame.dtypes.to_dict()), frame)
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["all.parquet"]


def test_one_run_is_a_table_as_well(run, tmp_path):
    read = pd.read_parquet(export_table(run.folder, tmp_path / "one.parquet"))
    assert set(read["run"]) == {run.folder.name} and read["step"].max() == 12


@pytest.mark.parametrize("options", [[], ["--out", "model", "--parquet", "all.parquet"]])
def test_a_model_or_a_table_is_asked_for_and_not_both(cli, run, tmp_path, options):
    result = cli("export", run.folder, *options)
    assert result.returncode == 2 and len(result.stderr.strip().splitlines()) == 1
    assert "either --out FOLDER" in result.stderr and "or --parquet FILE" in result.stderr
    assert not (tmp_path / "model").exists() and not (tmp_path / "all.parquet").exists()


def test_a_table_that_cannot_be_written_is_refused_and_nothing_harmed(cli, sweep, tmp_path):
    (tmp_path / "mine.parquet").write_text("precious")
    result = cli("export", sweep, "--parquet", "mine.parquet")
    assert result.returncode == 2 and "mine.parquet exists: name a new file" in result.stderr
    assert (tmp_path / "mine.parquet").read_text() == "precious"
    with pytest.raises(ConfigError, match="holds no runs"):
        export_table(tmp_path / "nowhere", tmp_path / "new.parquet")
    with pytest.raises(ConfigError, match="is a file: name a folder"):
        export_table(sweep, tmp_path / "mine.parquet" / "new.parquet")


def test_a_missing_pyarrow_is_said_with_the_command_that_brings_it(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=re.escape('pip install "retrieval-probe[parquet]"')):
        export_table(sweep, tmp_path / "tables" / "all.parquet")
    assert not (tmp_path / "tables").exists()
