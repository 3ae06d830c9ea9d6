"""`vlm import` and `vlm export`, typed: bad options end in a sentence, and nothing is begun or harmed by it."""

import json
import re
import shutil
import signal

import pytest
import torch
from PIL import Image
from released_command import everything, refused
from released_models import write
from safetensors.torch import load_file

from vlm.released import exporting, importing

WEIGHTS = "model.safetensors"


@pytest.fixture
def released(tmp_path):
    """A tiny Mamba-VL."""
    return write(tmp_path / "work" / "released", "mamba", head="duplicated", shards=2).folder


@pytest.fixture
def imported(vlm, released):
    """The same, imported."""
    assert vlm("import", released, "--out", released.parent / "ours").code == 0
    return released.parent / "ours"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--order", "image-first"], "order must be one of task-agnostic, task-aware, query-first"),
        (
            ["--image-size", 336],
            "--image-size is 336 and the weights of .* are for pictures of 56 pixels: leave it out",
        ),
        (["--max-length", 21], "a picture of 56 pixels is 21 tokens and the longest sequence 21: give a larger"),
        (["--vision", "clip/openai/clip-vit-base-patch32"], "weights are of an EVA: name it as timm/MODEL"),
        (["--vision", "timm/vit_tiny_patch16_224"], "cannot be had .* do not divide into patches of 16"),
        (
            ["--vision", "timm/eva02_tiny_patch14_224"],
            "has width 192, 12 blocks and 4 x 4 patches, and the weights have width 64, 2 blocks and 4 x 4",
        ),
        (["--vision", "timm/"], "must be one of"),
        (["--max-length", 0], "Try `vlm --help`"),
        ([], "is there and not empty: name a new folder"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(vlm, released, options, sentence):
    if not options:
        (released.parent / "taken").mkdir()
        (released.parent / "taken" / "mine.txt").write_text("mine")
        options = ["--out", released.parent / "taken"]
    assert re.search(sentence, refused(vlm, released, *options))


@pytest.mark.parametrize("command", ["import", "export"])
def test_a_model_is_not_written_over_itself(vlm, released, imported, command):
    folder = {"import": released, "export": imported}[command]
    assert "is there and not empty" in refused(vlm, folder, "--out", folder, command=command)


def test_an_empty_folder_may_take_the_model(vlm, released):
    (released.parent / "ours").mkdir()
    assert vlm("import", released, "--out", released.parent / "ours").code == 0
    assert (released.parent / "ours" / "tokenizer.json").is_file()


def test_an_import_tells_what_was_found(vlm, tmp_path):
    write(tmp_path / "released", "pythia", with_buffers=True)
    said = vlm("import", "released", "--out", "a model", "--order", "task-aware")
    assert said.code == 0
    lines = said.stdout.splitlines()
    assert lines[0] == "Pythia-VL of width 32 and 3 layers, in a model"
    assert "timm/eva02_tiny_test_clip_56, 56 pixels, 4 x 4 patches" in said.stdout
    assert "task-aware order, lowered text, up to 1,024 tokens" in said.stdout
    assert "9 buffers that every model computes for itself: gpt_neox.layers.0.attention.bias" in said.stdout
    assert lines[-1] == "Next: vlm evaluate 'a model' --data DATA --out RESULTS"


@pytest.mark.parametrize(("norm", "called"), [("layer", "LayerNorm"), ("rms", "RMSNorm")])
def test_the_norm_that_was_found_is_told(vlm, tmp_path, norm, called):
    write(tmp_path / "released", "mamba", norm=norm)
    assert f"Mamba with {called}" in vlm("import", "released", "--out", "ours").stdout
    warned = "the public implementation has LayerNorm" in vlm("export", "ours", "--out", "theirs").stdout
    assert warned == (norm == "rms")


@pytest.mark.parametrize("command", ["import", "export"])
@pytest.mark.parametrize(
    ("happens", "code", "sentence"),
    [
        (signal.SIGINT, 130, "Interrupted. Nothing was left"),
        (signal.SIGTERM, 130, "Interrupted. Nothing was left"),
        (OSError(28, "No space left on device"), 2, "could not be written (no space left): see to the disk"),
    ],
)
def test_what_was_begun_is_gone_when_it_breaks_off(
    vlm, released, imported, monkeypatch, command, happens, code, sentence
):
    def breaks_off(folder, weights):
        (folder / WEIGHTS).write_bytes(b"half")
        if isinstance(happens, OSError):
            raise happens
        signal.raise_signal(happens)

    module, folder = {"import": (importing, released), "export": (exporting, imported)}[command]
    monkeypatch.setattr(module, "write_weights", breaks_off)
    before, paths = everything(released.parent), set(released.parent.iterdir())
    typed = vlm(command, folder, "--out", released.parent / "out")
    assert (typed.code, sentence in typed.stderr) == (code, True)
    assert everything(released.parent) == before
    assert set(released.parent.iterdir()) == paths


def test_a_disk_that_is_too_small_is_told_of_before_anything_is_written(vlm, released, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    assert re.search(r"needs 0\.0 GB and its disk has 0\.0 GB left", refused(vlm, released))


def test_an_imported_model_answers_and_chats(vlm, imported, tmp_path):
    Image.new("RGB", (80, 60), "red").save(tmp_path / "red.png")
    sample = {"id": "1", "image": "red.png", "task": "vqa", "source": "x", "questions": [{"question": "What is it?"}]}
    (tmp_path / "asked.jsonl").write_text(json.dumps(sample) + "\n")
    answered = vlm("generate", imported, "--samples", "asked.jsonl", "--out", "said.jsonl", "--max-new-tokens", 4)
    assert answered.code == 0, answered.stderr
    assert json.loads((tmp_path / "said.jsonl").read_text())["id"] == "1"
    talked = vlm("chat", imported, "--image", "red.png", "--max-new-tokens", 4, stdin="What is it?\n\n")
    assert talked.code == 0, talked.stderr
    assert talked.stdout.count("\n") >= 2


def test_a_model_that_was_imported_comes_out_as_it_was(vlm, released, imported):
    assert vlm("export", imported, "--out", released.parent / "theirs").code == 0
    before, after = ({}, {})
    for path in released.glob("*.safetensors"):
        before |= load_file(path)
    after |= load_file(released.parent / "theirs" / WEIGHTS)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    config = json.loads((released / "config.json").read_text())
    assert json.loads((released.parent / "theirs" / "config.json").read_text()) == config
