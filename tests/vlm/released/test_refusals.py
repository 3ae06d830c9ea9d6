"""`vlm import` and `vlm export`, typed: a refusal says what is wrong and what mends it, and leaves nothing behind."""

import json
import shutil

import pytest
import torch
from PIL import Image
from released_models import write
from safetensors.torch import load_file, save_file


def refused(vlm, *arguments):
    """The sentence of a command that must fail."""
    typed = vlm(*arguments)
    assert (typed.code, typed.stdout, typed.stderr.count("\n")) == (2, "", 1), typed.stderr
    assert typed.stderr.endswith(".\n")
    return typed.stderr


@pytest.fixture
def with_clip(vlm, tmp_path):
    """An imported model whose CLIP is a folder."""
    folder = write(tmp_path / "released", "mamba", "clip").folder
    assert vlm("import", folder, "--out", "ours").code == 0
    return tmp_path / "ours"


@pytest.mark.parametrize(
    "command",
    [
        ["export", "ours", "--out", "theirs"],
        ["chat", "ours", "--image", "red.png"],
        ["import", "released", "--out", "again", "--vision", "clip/./clip-vit-tiny-patch14-56"],
    ],
)
def test_a_clip_whose_folder_is_gone_is_asked_for_and_no_hub(vlm, with_clip, tmp_path, command):
    Image.new("RGB", (9, 9)).save(tmp_path / "red.png")
    shutil.rmtree(tmp_path / "clip-vit-tiny-patch14-56")
    said = refused(vlm, *command)
    assert "clip-vit-tiny-patch14-56 is the folder that this model names for its CLIP, and is not there" in said
    assert "put it back, or name another, with --vision of `vlm import`" in said
    assert not any(word in said for word in ("hub", "repo", "connect"))


def test_a_folder_of_a_clip_without_its_config_is_named(vlm, with_clip, tmp_path):
    (tmp_path / "clip-vit-tiny-patch14-56" / "config.json").unlink()
    said = refused(vlm, "export", with_clip, "--out", "theirs")
    assert "clip-vit-tiny-patch14-56 has no config.json of a CLIP" in said


@pytest.mark.parametrize("layer", [-9, 0, 4])
def test_a_layer_that_clip_has_not_is_mended_where_it_is_said(vlm, tmp_path, layer):
    write(tmp_path / "released", "mamba", "clip", configured={"select_layer": layer})
    said = refused(vlm, "import", "released", "--out", "ours")
    assert (
        f"released/config.json asks for layer {layer} of a CLIP that has 3 layers: correct select_layer in it" in said
    )
    assert "--vision" not in said


def test_the_folder_above_a_checkpoint_is_told_which_one_has_weights(vlm, tmp_path):
    write(tmp_path / "run" / "checkpoint-500", "mamba", shards=2)
    write(tmp_path / "run" / "checkpoint-final", "mamba", form="bin")
    (tmp_path / "run" / "trainer_state.json").write_text("{}")
    said = refused(vlm, "import", "run", "--out", "ours")
    assert said == (
        "run has no weights, and checkpoint-500, checkpoint-final below it has some: name run/checkpoint-final.\n"
    )


def test_a_config_that_is_a_pointer_is_fetched(vlm, tmp_path):
    write(tmp_path / "released", "mamba")
    (tmp_path / "released" / "config.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    said = refused(vlm, "import", "released", "--out", "ours")
    assert said.startswith("released/config.json is a pointer of git-lfs") and "`git lfs pull`" in said


def test_weights_too_many_are_not_called_too_few(vlm, tmp_path):
    write(tmp_path / "released", "mamba", weights={"vision_encoder.head.weight": torch.ones(3, 64)})
    said = refused(vlm, "import", "released", "--out", "ours")
    assert said == (
        "released has other weights than its config.json describes, so copy both again: it has unknown "
        "vision_encoder.head.weight (1 in all).\n"
    )


@pytest.mark.parametrize("command", ["import", "export"])
def test_folders_above_the_new_one_are_gone_with_it(vlm, tmp_path, command):
    write(tmp_path / "released", "mamba")
    assert vlm("import", "released", "--out", "ours").code == 0
    folder, name = {
        "import": ("released", "vision_embed_tokens.0.bias"),
        "export": ("ours", "connector.0.bias"),
    }[command]
    weights = load_file(tmp_path / folder / "model.safetensors")
    save_file(weights | {name: torch.full((36,), torch.nan)}, tmp_path / folder / "model.safetensors")
    (tmp_path / "mine").mkdir()
    assert "is nan or infinite" in refused(vlm, command, folder, "--out", "mine/new/er/model")
    assert list((tmp_path / "mine").iterdir()) == []


def test_folders_above_a_new_model_stay(vlm, tmp_path):
    write(tmp_path / "released", "mamba")
    assert vlm("import", "released", "--out", "new/er/model").code == 0
    assert json.loads((tmp_path / "new" / "er" / "model" / "config.json").read_text())["norm"] == "layer"
