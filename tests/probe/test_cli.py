"""The real command line: what it prints, what it leaves on disk, and one sentence for whatever a person gets wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_runs import small_config
from transformers import MambaConfig, MambaForCausalLM, ViTConfig, ViTModel

from training.run import Run

ROOT = Path(__file__).parents[2]
SMALL = ["--length", 6, "--steps", 8, "--evaluations", 2, "--batch", 8, "--held-out-examples", 60]
SMALL += ["--validation-examples", 0]
EXPERIMENT = """
from probe.config import Model, ProbeConfig
from probe.task import RetrievalTask
from training.config import Optimisation

def runs():
    for family in ("pythia", "mamba"):
        for order in ("suffix", "prefix"):
            yield ProbeConfig(
                task=RetrievalTask(6, order),
                model=Model(name=f"tiny/{family}"),
                optimisation=Optimisation(steps=8, evaluations=2, batch=8, learning_rate=2e-3),
                held_out_examples=60,
                validation_examples=0,
            )
"""


def refused(result, said):
    """One sentence on stderr that says this, exit code 2, no traceback."""
    assert result.returncode == 2, result.stderr
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    return True


def test_help_has_examples_and_imports_nothing_heavy(cli):
    for command in ("train", "sweep", "status", "plot", "export", "sample", "doctor"):
        result = cli(command, "--help")
        assert result.returncode == 0
        _, end, examples = result.stdout.rpartition("╯")
        assert end and f"probe {command}" in examples, "an example stands behind the options"
    alone = cli()
    assert alone.returncode == 2 and "Usage: " in alone.stdout and not alone.stderr
    heavy = "('torch', 'transformers', 'pandas', 'matplotlib')"
    code = f"import sys, probe.cli; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_train_writes_a_run_and_does_not_repeat_it(cli, tmp_path):
    result = cli("train", "--family", "mamba", *SMALL, "--out", "runs")
    assert result.returncode == 0, result.stderr
    assert "finished" in result.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    curve = (folder / "curve.jsonl").read_text()
    lines = [json.loads(line) for line in curve.splitlines()]
    assert [line["step"] for line in lines] == [4, 8]
    assert lines[0].keys() >= {"step", "examples", "loss", "correct", "asked", "seconds"}
    assert lines[0]["asked"] == [10] * 6
    again = cli("train", "--family", "mamba", *SMALL, "--out", "runs")
    assert again.returncode == 0 and (folder / "curve.jsonl").read_text() == curve


def test_a_tracker_is_written_to(cli, tmp_path):
    result = cli("train", "--family", "pythia", *SMALL, "--out", "runs", "--tracker", "tensorboard")
    assert result.returncode == 0, result.stderr
    assert list((tmp_path / "runs").rglob("events.out.tfevents*"))


def test_a_sweep_runs_what_is_not_finished_and_ends_with_a_table(cli, tmp_path):
    (tmp_path / "experiment.py").write_text(EXPERIMENT)
    planned = cli("sweep", "experiment.py", "--out", "runs", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "4 runs one after the other, at most" in planned.stdout and not (tmp_path / "runs").exists()
    result = cli("sweep", "experiment.py", "--out", "runs")
    assert result.returncode == 0, result.stderr
    assert "4 finished" in result.stdout
    assert "at most 0 s" in cli("sweep", "experiment.py", "--out", "runs", "--dry-run").stdout
    status = cli("status", "runs")
    assert status.returncode == 0 and status.stdout.count("finished") == 5

    drawn = cli("plot", "runs", "--out", "figures")
    assert drawn.returncode == 0, drawn.stderr
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    for name in ("learning_curves", "positions_suffix_6", "positions_prefix_6", "sample_efficiency", "orders_6"):
        assert {f"{name}.png", f"{name}.pdf", f"{name}.csv"} <= names


def test_a_plan_may_mix_precisions(cli, tmp_path):
    mixed = EXPERIMENT.replace("learning_rate=2e-3", "precision='bf16' if order == 'prefix' else 'fp32'")
    (tmp_path / "experiment.py").write_text(mixed)
    planned = cli("sweep", "experiment.py", "--out", "runs", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "4 runs one after the other" in planned.stdout


def test_the_paper_s_sweep_can_be_planned_without_a_hub(cli):
    planned = cli("sweep", ROOT / "experiments" / "figure7_positions.py", "--out", "runs", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "18 runs" in planned.stdout and "by counting their arithmetic" in planned.stdout


def test_a_model_in_a_folder_is_trained_from_there(cli, tmp_path):
    MambaForCausalLM(MambaConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1)).save_pretrained(tmp_path / "mine")
    result = cli("train", "--pretrained", "mine", *SMALL, "--out", "runs")
    assert result.returncode == 0, result.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    written = json.loads((folder / "config.json").read_text())
    assert written["config"]["model"]["name"] == str(tmp_path / "mine")
    assert written["config"]["optimisation"]["learning_rate"] == 5e-5
    assert MambaForCausalLM.from_pretrained(folder / "checkpoint").config.vocab_size == 20 + 7
    assert cli("plot", "runs", "--out", "figures").returncode == 0


def test_a_foreign_run_that_is_broken_does_not_spoil_the_end_of_mine(cli, tmp_path):
    (tmp_path / "runs" / "other").mkdir(parents=True)
    (tmp_path / "runs" / "other" / "config.json").write_text("{half")
    assert cli("train", *SMALL, "--out", "runs").returncode == 0
    status = cli("status", "runs")
    assert status.returncode == 0 and "1 damaged, 1 finished" in status.stdout
    assert "other/config.json cannot be read" in status.stdout
    assert refused(cli("plot", "runs", "--out", "figures"), "other/config.json cannot be read")


def test_a_sweep_carries_on_when_a_run_fails_and_ends_with_1(cli, tmp_path):
    diverging = EXPERIMENT.replace("learning_rate=2e-3", "learning_rate=1e30 if order == 'prefix' else 2e-3")
    (tmp_path / "experiment.py").write_text(diverging)
    result = cli("sweep", "experiment.py", "--out", "runs")
    assert result.returncode == 1
    assert "2 finished, 2 failed" in result.stdout or "2 failed, 2 finished" in result.stdout
    assert result.stderr.count("lower the learning rate") == 2


def test_sample_shows_what_the_model_reads_and_what_carries_the_loss(cli):
    result = cli("sample", "--length", 6, "--examples", 2)
    assert result.returncode == 0
    reads, loss = (line.split()[1:] for line in result.stdout.splitlines()[1:3])
    context, (out, query) = reads[:6], reads[6:]
    assert out == "<out>" and loss == ["."] * 7 + [f"<p{context.index(query)}>"]
    prefix = cli("sample", "--length", 6, "--order", "prefix", "--supervision", "from-target", "--score-end").stdout
    assert "<end>" in prefix and prefix.splitlines()[1].split()[1] == "<out>"


def test_doctor_names_devices_versions_and_kernels(cli):
    result = cli("doctor")
    assert result.returncode == 0, result.stderr
    for said in ("torch", "transformers", "mamba-ssm", "cpu", "scan"):
        assert said in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--family", "rnn"], "family must be one of pythia, mamba"),
        (["--pair", "huge"], "pair must be one of tiny"),
        (["--order", "infix"], "order must be one of suffix, prefix"),
        (["--length", 3], "length must lie between 4 and 10,000"),
        (["--length", 10_001], "length must lie between 4 and 10,000"),
        (["--length", "many"], "length"),
        (["--length", 20, "--pool", 10], "cannot give 20 distinct ones"),
        (["--learning-rate", 0], "learning rate must be a positive number"),
        (["--learning-rate", "nan"], "learning rate must be a positive number"),
        (["--threshold", 0], "threshold"),
        (["--threshold", 1.5], "threshold"),
        (["--threshold", "nan"], "threshold"),
        (["--pretrained", "./nowhere"], "is no folder"),
        (["--pretrained", "broken"], "is broken"),
        (["--pretrained", "partial"], "lacks 1 of its weights"),
        (["--pretrained", "vision"], "has no vocabulary"),
        (["--pretrained", "partial", "--family", "mamba"], "leave --family and --pair out"),
        (["--pretrained", "nobody/no-such-model"], "not a model that can be reached"),
        (["--pair", "1.4b"], "not a model that can be reached"),
        (["--tracker", "paper"], "tracker must be one of"),
        (["--evaluations", 9], "do not fit into 8 steps"),
        (["--no-such-flag"], "No such option"),
        (["--out", "file"], "is a file"),
        (["--out", "run"], "is itself the folder of a run"),
    ],
)
def test_bad_settings_end_in_a_sentence_with_nothing_written(cli, tmp_path, arguments, said):
    torch.manual_seed(0)
    model = MambaForCausalLM(MambaConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1))
    model.save_pretrained(tmp_path / "broken")
    state = {key: value for key, value in model.state_dict().items() if "in_proj" not in key}
    model.save_pretrained(tmp_path / "partial", state_dict=state)
    vision = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=16)
    ViTModel(vision).save_pretrained(tmp_path / "vision")
    weights = tmp_path / "broken" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    (tmp_path / "file").write_text("")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    assert refused(cli("train", *SMALL, *arguments), said)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_belongs_to_another_config_is_left_as_it_is(cli, tmp_path):
    assert cli("train", *SMALL, "--out", "runs").returncode == 0
    (folder,) = (tmp_path / "runs").iterdir()
    config = json.loads((folder / "config.json").read_text())
    config["config"]["threshold"] = 0.5
    (folder / "config.json").write_text(json.dumps(config))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert refused(cli("train", *SMALL, "--out", "runs"), "is not what the run was started with")
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "does not exist"),
        ("def runs(:", "does not run: SyntaxError"),
        ("import nothing_of_the_kind", "does not run: ModuleNotFoundError"),
        ("x = 1", "has no function runs()"),
        ("def runs():\n    return []", "yields no run"),
        ("def runs():\n    yield 3", "must yield ProbeConfig or PretrainConfig, not int"),
        ("def runs():\n    raise KeyError('x')", "stops with KeyError"),
        (EXPERIMENT.replace("RetrievalTask(6", "RetrievalTask(3"), "asks for a run that cannot be"),
        (EXPERIMENT.replace("tiny/{family}", "tiny/rnn"), "family must be one of pythia, mamba"),
        (EXPERIMENT.replace("steps=8", "steps='8'"), "steps must be a whole number"),
        (EXPERIMENT.replace("batch=8", "bach=8"), "bach"),
    ],
)
def test_a_bad_experiment_file_ends_in_a_sentence_with_nothing_written(cli, tmp_path, text, said):
    if text is not None:
        (tmp_path / "experiment.py").write_text(text)
    assert refused(cli("sweep", "experiment.py", "--out", "runs"), said)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", ["status", "plot", "retry"])
def test_a_folder_without_runs_is_said_to_be_one(cli, command):
    assert refused(cli(command, "nowhere"), "holds no runs")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "cloud"], "engine must be one of local, ray, slurm"),
        (["--address", "auto"], "--address is of --engine ray"),
        (["--engine", "slurm", "--gpus", "inf"], "--gpus must be a number"),
        (["--engine", "ray", "--cpus", 0], "more than 0 CPUs"),
        (["--engine", "ray", "--gpus", 2], "takes one GPU at the most, not 2"),
        (["--engine", "slurm"], "there is no Slurm here"),
        (["--engine", "ray", "--resource", "a100"], "a resource is NAME=AMOUNT"),
        (["--per-gpu", 2], "no GPU here to share"),
        (["--workers", 0], "--workers"),
    ],
)
def test_an_engine_that_cannot_be_had_is_refused_with_nothing_written(cli, tmp_path, arguments, said):
    (tmp_path / "experiment.py").write_text(EXPERIMENT)
    assert refused(cli("sweep", "experiment.py", "--out", "runs", *arguments), said)
    assert not (tmp_path / "runs").exists()


def test_a_status_is_watched_or_written_for_a_script(cli):
    assert refused(cli("status", "nowhere", "--watch", "--json"), "leave one of them out")


def test_runs_that_were_never_judged_cannot_be_drawn(cli, tmp_path):
    Run(tmp_path / "runs", small_config()).plan()
    assert refused(cli("plot", "runs", "--out", "figures"), "has been judged yet")
    assert not (tmp_path / "figures").exists()
    assert refused(cli("plot", "runs", "--steps", "soon"), "steps must be whole numbers")
