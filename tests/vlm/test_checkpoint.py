"""A model on disk comes back bit by bit, or not at all: never with a random weight."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_vlm import KINDS, SAMPLES, layouts, pictures, small_model

from backbones import ModelError, load
from training.config import ConfigError
from vlm.model import VisionLanguageModel
from vlm.packing import batch_of

WEIGHTS = "model.safetensors"


@pytest.fixture(params=KINDS)
def model(request):
    return small_model(request.param, order="task-aware", case="lowered", max_length=77)


@pytest.fixture
def folder(tmp_path):
    """A Mamba that was saved."""
    small_model().save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def test_a_model_comes_back_as_it_was_saved(model, tmp_path):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.01)
    model.save_pretrained(tmp_path)
    loaded = VisionLanguageModel.from_pretrained(tmp_path)
    assert (loaded.family, loaded.grid) == (model.family, model.grid)
    same = ("vision", "norm", "order", "case", "max_length")
    assert all(getattr(loaded.config, name) == getattr(model.config, name) for name in same)
    assert loaded.vocabulary.tokenizer.to_str() == model.vocabulary.tokenizer.to_str()
    ours, theirs = model.state_dict(), loaded.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    batch = batch_of(layouts(model, tuple(SAMPLES)), 500)
    pixels = pictures(len(SAMPLES))[list(batch.images)]
    assert torch.equal(model(batch, pixels=pixels).loss, loaded(batch, pixels=pixels).loss)


def test_saving_a_loaded_model_gives_the_same_bytes(folder, tmp_path):
    VisionLanguageModel.from_pretrained(folder).save_pretrained(tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_tied_matrices_are_stored_once_and_stay_tied(model, tmp_path):
    model.save_pretrained(tmp_path)
    rows = model.vocabulary.rows
    assert sum(tensor.shape == (rows, 64) for tensor in load_file(tmp_path / WEIGHTS).values()) == 1
    loaded = VisionLanguageModel.from_pretrained(tmp_path)
    assert loaded.head.weight is loaded.language_model.get_input_embeddings().weight


@pytest.mark.parametrize(("kind", "name"), [("pythia", "mamba"), ("mamba", "pythia")])
def test_the_family_is_what_the_config_says_whatever_the_folder_is_called(kind, name, tmp_path):
    small_model(kind).save_pretrained(tmp_path / name)
    assert VisionLanguageModel.from_pretrained(tmp_path / name).family == kind


@pytest.mark.parametrize("kind", ["mamba", "mamba with LayerNorm"])
def test_the_form_of_the_norm_is_in_the_config(kind, tmp_path):
    small_model(kind).save_pretrained(tmp_path)
    stored = load_file(tmp_path / WEIGHTS)
    assert any(name.endswith("norm_f.bias") for name in stored) == (kind != "mamba")
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["norm"] == ("rms" if kind == "mamba" else "layer")
    config["norm"] = "layer" if kind == "mamba" else "rms"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="has other weights than its config"):
        VisionLanguageModel.from_pretrained(tmp_path)


def change_weights(change):
    def damage(folder):
        weights = load_file(folder / WEIGHTS)
        change(weights)
        save_file(weights, folder / WEIGHTS)

    return damage


def change_config(change):
    def damage(folder):
        config = json.loads((folder / "config.json").read_text())
        change(config)
        (folder / "config.json").write_text(json.dumps(config))

    return damage


def truncate(folder):
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-1000])


def plain_language_model(folder):
    for path in folder.iterdir():
        path.unlink()
    load("tiny/mamba", vocabulary=40).save_pretrained(folder)


def fill(name, value):
    return change_weights(lambda weights: weights[name].view(-1)[0].fill_(value))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (change_weights(lambda w: w.pop("connector.2.bias")), r"lacks connector\.2\.bias \(1 in all\)"),
        (change_weights(lambda w: w.update(extra=torch.ones(1))), r"has unknown extra \(1 in all\)"),
        (
            change_weights(lambda w: w.update({"connector.2.bias": torch.ones(65)})),
            r"has of another shape connector\.2\.bias",
        ),
        (change_weights(lambda w: w.clear()), r"lacks .*\(\d+ in all\)"),
        (change_weights(lambda w: w.update({"encoder.extra": torch.ones(1)})), "unknown"),
        (fill("connector.0.weight", torch.nan), "nan or infinite"),
        (fill("language_model.backbone.norm_f.weight", torch.inf), "nan or infinite"),
        (truncate, "is broken"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b""), "is broken"),
        (lambda folder: (folder / WEIGHTS).unlink(), "has no model.safetensors"),
        (lambda folder: (folder / "config.json").unlink(), "holds no vision-language model"),
        (lambda folder: (folder / "config.json").write_text("{"), "holds no vision-language model"),
        (lambda folder: (folder / "config.json").write_text("[]"), "holds no vision-language model"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "a folder with a tokenizer.json"),
        (change_config(lambda c: c.update(order="image-first")), "order must be one of"),
        (change_config(lambda c: c.update(norm="batch")), "norm must be one of"),
        (change_config(lambda c: c.update(colour="red")), "has no setting colour in this version"),
        (change_config(lambda c: c.pop("case")), "needs case in this version"),
        (change_config(lambda c: c["language"].update(model_type="rnn")), "language model that cannot be made"),
        (change_config(lambda c: c["language"].pop("model_type")), "language model that cannot be made"),
        (
            change_config(lambda c: c["language"].update(hidden_size=65)),
            "has other weights than its config",
        ),
        (plain_language_model, "holds a language model without a vision part"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_with_a_sentence(folder, damage, sentence):
    damage(folder)
    with pytest.raises((ModelError, ConfigError), match=sentence) as caught:
        VisionLanguageModel.from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no vision-language model: name the checkpoint folder of a run"):
        VisionLanguageModel.from_pretrained(tmp_path / "nowhere")


def test_pictures_may_be_of_another_size_than_in_training(folder):
    larger = VisionLanguageModel.from_pretrained(folder, image_size=64)
    assert larger.grid == (4, 4)
    assert larger.config.vision.image_size == 64
