"""A run of the probe: what carries the loss, what is judged, that it repeats to the bit, stops, resumes, fails well."""

import importlib.metadata
import itertools
import json
import math
import os
import signal

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from small_runs import at_step, small_config, without_seconds
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM, MambaConfig, MambaForCausalLM

from backbones import ModelError
from backbones.pairs import FAMILIES
from probe.config import ProbeConfig
from probe.evaluate import evaluate
from probe.task import RetrievalTask
from probe.trainer import UNSCORED, Retrieval, check_model, prepare, run_probe, with_targets
from training import checkpoint, loop
from training.config import ConfigError
from training.loop import Diverged, Interrupted
from training.run import Run, read_curve, read_ran_with, read_status, run_folders

NAMES = [f"tiny/{family}" for family in FAMILIES]


def curve_of(config, out, **options):
    return read_curve(run_probe(config, out, **options).folder)


@pytest.mark.parametrize("order", ["suffix", "prefix"])
def test_the_answer_alone_carries_the_loss(order):
    task = RetrievalTask(6, order)
    examples = task.examples("train", torch.arange(12))
    tokens, targets = with_targets(task, examples, "answer", score_end=False)
    assert torch.equal(tokens, examples.tokens)
    assert torch.equal(targets, examples.answers[:, None])


def test_an_end_token_is_asked_for_behind_the_answer_if_wanted():
    task = RetrievalTask(6, "suffix")
    examples = task.examples("train", torch.arange(12))
    tokens, targets = with_targets(task, examples, "answer", score_end=True)
    assert torch.equal(tokens[:, -1], examples.answers)
    assert torch.equal(targets, torch.stack([examples.answers, torch.zeros_like(examples.answers)], dim=1))


def test_supervision_from_the_target_on_asks_where_the_answer_can_be_known():
    task = RetrievalTask(6, "prefix")
    examples = task.examples("train", torch.arange(12))
    _, targets = with_targets(task, examples, "from-target", score_end=False)
    for row, answer, position in zip(
        targets.tolist(), examples.answers.tolist(), examples.positions.tolist(), strict=True
    ):
        assert row == [UNSCORED] * position + [answer] * (6 - position)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "settings", [{}, {"score_end": True}, {"order": "prefix", "supervision": "from-target", "score_end": True}]
)
def test_the_loss_is_the_mean_over_examples_of_the_tokens_asked_for(name, settings):
    config = small_config(name, **settings)
    model, task = prepare(config)
    examples = task.examples("train", torch.arange(10))
    tokens, targets = with_targets(task, examples, config.supervision, config.score_end)
    logits = model(input_ids=tokens, use_cache=False).logits[:, -targets.shape[1] :]
    each = [F.cross_entropy(row, target) for row, target in zip(logits, targets, strict=True)]
    assert Retrieval(config, task).loss(model, 0, 10).item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-6)


def test_training_examples_begin_again_after_the_last():
    config = small_config(train_examples=40)
    model, task = prepare(config)
    objective = Retrieval(config, task)
    assert objective.loss(model, 80, 8).item() == objective.loss(model, 0, 8).item()


def test_evaluation_counts_every_position_and_each_hit(tmp_path):
    config = small_config(held_out_examples=62)
    model, task = prepare(config)
    model.eval()
    result = evaluate(model, task, range(62), Accelerator(), batch=9, split="held-out")
    tokens, answers, positions = task.examples("held-out", torch.arange(62))
    hits = model(input_ids=tokens).logits[:, -1].argmax(dim=-1) == answers
    assert result.asked == [positions.eq(p).sum().item() for p in range(6)]
    assert sum(result.asked) == 62 and max(result.asked) - min(result.asked) <= 1
    assert result.correct == [(hits & positions.eq(p)).sum().item() for p in range(6)]
    assert sum(result.correct) == hits.sum().item() and sum(result.asked) == 62


@pytest.mark.parametrize("name", NAMES)
def test_the_same_config_twice_gives_the_same_curve(name, tmp_path):
    config = small_config(name)
    first, second = curve_of(config, tmp_path / "a"), curve_of(config, tmp_path / "b")
    assert [record["step"] for record in first] == [4, 8, 12]
    assert json.dumps(without_seconds(first)) == json.dumps(without_seconds(second))


def test_a_finished_run_is_left_alone(tmp_path):
    config = small_config()
    run = run_probe(config, tmp_path)
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    run_probe(config, tmp_path)
    assert before == {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}


def test_micro_batches_change_the_memory_and_not_the_losses(tmp_path):
    whole, parts = (curve_of(small_config(micro_batch=size), tmp_path) for size in (None, 3))
    for a, b in zip(whole, parts, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)


def interrupt_at(monkeypatch, step, number=signal.SIGTERM):
    """Sends this process a signal while it takes the step of this number (counted from 0)."""
    at_step(monkeypatch, step, lambda: os.kill(os.getpid(), number))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize("step", [0, 5, 7, 11])
def test_an_interrupted_run_goes_on_as_if_nothing_had_been(name, schedule, step, tmp_path, monkeypatch):
    config = small_config(name, schedule=schedule, warmup=0.2)
    undisturbed = curve_of(config, tmp_path / "undisturbed")
    with monkeypatch.context() as patch:
        interrupt_at(patch, step)
        with pytest.raises(Interrupted):
            run_probe(config, tmp_path / "disturbed")
    folder = run_folders(tmp_path / "disturbed")[0]
    assert read_status(folder)["state"] == "interrupted"
    assert (folder / "checkpoint" / "model.safetensors").exists()
    assert without_seconds(curve_of(config, tmp_path / "disturbed")) == without_seconds(undisturbed)
    assert read_status(folder)["state"] == "finished"


def test_lines_beyond_the_last_checkpoint_are_made_again(tmp_path, monkeypatch):
    config = small_config()
    undisturbed = curve_of(config, tmp_path / "undisturbed")
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        with pytest.raises(Interrupted):
            run_probe(config, tmp_path / "disturbed")
    folder = run_folders(tmp_path / "disturbed")[0]
    with open(folder / "curve.jsonl", "a") as curve:  # what a kill leaves: a line too many, and half a line
        curve.write(json.dumps({**undisturbed[1], "loss": 99.0}) + "\n" + '{"step": 12, "los')
    assert without_seconds(curve_of(config, tmp_path / "disturbed")) == without_seconds(undisturbed)


def test_training_stops_at_the_threshold_and_only_if_asked_to(tmp_path):
    easy = small_config(threshold=0.01, steps=12)
    assert [record["step"] for record in curve_of(easy, tmp_path)] == [4]
    through = small_config(threshold=0.01, steps=12, stop_at_threshold=False)
    assert [record["step"] for record in curve_of(through, tmp_path)] == [4, 8, 12]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_killed_goes_on_from_its_last_checkpoint(name, tmp_path, monkeypatch):
    """Checkpoints after every step; then the process is gone in the midst of the seventh, unsaved."""

    class Killed(BaseException):
        pass

    config = small_config(name)
    undisturbed = curve_of(config, tmp_path / "undisturbed")
    original, counter = loop._step, itertools.count()

    def stepping(*arguments):
        if next(counter) == 6:
            raise Killed
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", stepping)
        with pytest.raises(Killed):
            run_probe(config, tmp_path / "disturbed", checkpoint_minutes=0)
    (folder,) = run_folders(tmp_path / "disturbed")
    assert json.loads((folder / "checkpoint" / "counters.json").read_text())["step"] == 6
    taken = itertools.count()
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", lambda *arguments: (next(taken), original(*arguments))[1])
        assert without_seconds(curve_of(config, tmp_path / "disturbed")) == without_seconds(undisturbed)
    assert next(taken) == 6, "the steps before the checkpoint are not taken again"


@pytest.mark.parametrize("keep_weights", [True, False])
def test_a_run_that_dies_while_it_drops_its_checkpoint_is_finished(keep_weights, tmp_path, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            run_probe(small_config(), tmp_path, keep_weights=keep_weights)
    run = run_probe(small_config(), tmp_path)
    assert run.state == "finished" and [record["step"] for record in read_curve(run.folder)] == [4, 8, 12]
    if keep_weights:
        assert same_weights(run, run_probe(small_config(), tmp_path / "undisturbed"))


def same_weights(*runs):
    one, other = (load_file(run.folder / "checkpoint" / "model.safetensors") for run in runs)
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_a_run_that_dies_between_its_last_weights_and_its_end_is_not_trained_beyond_it(tmp_path, monkeypatch):
    config = small_config(threshold=0.01)  # learned at its first evaluation
    original = Run.set_state

    def killed(run, state, **details):
        if state == "finished":
            raise KeyboardInterrupt
        original(run, state, **details)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "set_state", killed)
        with pytest.raises(KeyboardInterrupt):
            run_probe(config, tmp_path)
    run = run_probe(config, tmp_path)
    assert run.state == "finished" and [record["step"] for record in read_curve(run.folder)] == [4]
    assert same_weights(run, run_probe(config, tmp_path / "undisturbed"))


def test_an_end_that_cannot_be_tidied_up_after_does_not_fail_the_run(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "finish", full)
    with pytest.raises(OSError, match="no space"):
        run_probe(small_config(), tmp_path)
    assert read_status(run_folders(tmp_path)[0])["state"] == "finished"


def test_a_run_without_weights_leaves_no_checkpoint_of_any_name(tmp_path):
    run = Run(tmp_path, small_config())
    for name in ("checkpoint.previous", "checkpoint.partial"):
        (run.folder / name).mkdir(parents=True)
    run_probe(small_config(), tmp_path, keep_weights=False)
    assert not list(run.folder.glob("checkpoint*"))


def test_a_loss_that_is_no_number_fails_the_run_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Retrieval, "loss", lambda self, model, first, count: sum(p.sum() for p in model.parameters()) * math.nan
    )
    with pytest.raises(Diverged, match="lower the learning rate"):
        run_probe(small_config(), tmp_path)
    status = read_status(run_folders(tmp_path)[0])
    assert status["state"] == "failed" and "Diverged" in status["traceback"]


def test_the_weights_of_a_finished_run_load_again(tmp_path):
    run = run_probe(small_config("tiny/mamba"), tmp_path / "kept")
    kept = MambaForCausalLM.from_pretrained(run.folder / "checkpoint")
    assert kept.config.vocab_size == 8 + 7
    assert not (run.folder / "checkpoint" / "optimizer.bin").exists()
    run = run_probe(small_config("tiny/mamba"), tmp_path / "dropped", keep_weights=False)
    assert not (run.folder / "checkpoint").exists()


def test_what_a_run_ran_with_is_written_beside_its_config(tmp_path):
    facts = read_ran_with(run_probe(small_config(), tmp_path).folder)
    assert facts["versions"]["torch"] == importlib.metadata.version("torch")
    assert facts["device"] == "cpu" and facts["processes"] == 1
    assert facts["model"]["family"] == "pythia" and facts["scan"] == "scan: cpu, convolution: cpu"


SMALL = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 1}
PRETRAINED = {
    "pythia": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**SMALL, num_attention_heads=2, intermediate_size=64)),
    "mamba": lambda: MambaForCausalLM(MambaConfig(**SMALL)),
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=32, n_layer=1, n_head=2, n_positions=40)),
}


@pytest.mark.parametrize("family", PRETRAINED)
def test_a_folder_that_transformers_saved_is_trained_with_its_old_rows(family, tmp_path):
    torch.manual_seed(1)
    original = PRETRAINED[family]()
    original.save_pretrained(tmp_path / "model")
    config = small_config(str(tmp_path / "model"))
    model, task = prepare(config)
    assert task.first_special == 64 and model.config.vocab_size == 64 + 7
    assert torch.equal(model.get_input_embeddings().weight[:64], original.get_input_embeddings().weight)
    assert model.get_input_embeddings().weight.requires_grad
    run = run_probe(config, tmp_path / "runs")
    assert read_ran_with(run.folder)["model"]["family"] == family


@pytest.mark.parametrize(
    ("length", "said"), [(63, "choose a length of at most 62"), (39, "choose a length of at most 38")]
)
def test_a_model_too_small_for_the_task_is_refused_before_it_is_loaded(length, said, tmp_path):
    PRETRAINED["gpt2"]().save_pretrained(tmp_path / "model")
    with pytest.raises(ConfigError, match=said):
        check_model(small_config(str(tmp_path / "model"), length=length))


def test_nothing_is_written_for_a_model_that_cannot_be_had(tmp_path):
    with pytest.raises(ModelError):
        run_probe(small_config(str(tmp_path / "nowhere")), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_runs_of_different_precision_share_a_process(tmp_path):
    for precision in ("fp32", "bf16", "fp32"):
        config: ProbeConfig = small_config(precision=precision, init_seed=len(run_folders(tmp_path)))
        assert run_probe(config, tmp_path).state == "finished"
