"""The tiny checkpoints and the lists of full size are as `reference-facts.md` and the public libraries say."""

import json
from math import prod

import pytest
import timm
import torch
from released_models import buffers, config, draw, write, write_weights
from released_shapes import ENCODER_SIZES, ENCODERS, FAMILIES, LANGUAGE_SIZES, RELEASED, shapes
from safetensors.torch import load_file
from transformers import CLIPVisionConfig, CLIPVisionModel, GPTNeoXConfig, GPTNeoXForCausalLM, MambaConfig
from transformers import MambaForCausalLM as Mamba

LANGUAGE_PARAMETERS = {
    ("mamba", "790m"): 793_204_224,
    ("mamba", "1.4b"): 1_372_178_432,
    ("mamba", "2.8b"): 2_768_345_600,
    ("pythia", "1b"): 1_011_781_632,
    ("pythia", "1.4b"): 1_414_647_808,
    ("pythia", "2.8b"): 2_775_208_960,
}
"""1.6, of Mamba with RMSNorm."""

CONNECTOR_PARAMETERS = {1536: 3_935_232, 2048: 6_295_552, 2560: 9_180_160}
"""1.5, by width."""


def counted(listed, prefix=""):
    return sum(prod(shape) for key, shape in listed.items() if key.startswith(prefix))


def shapes_of(module):
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def of_encoder(listed):
    return {key.removeprefix("vision_encoder."): v for key, v in listed.items() if key.startswith("vision_encoder.")}


def of_language(listed):
    return {key: shape for key, shape in listed.items() if not key.startswith("vision")}


@pytest.mark.parametrize(("family", "size"), RELEASED)
def test_the_released_sizes_have_as_many_parameters_as_the_facts_count(family, size):
    width = LANGUAGE_SIZES[family, size].width
    layers = LANGUAGE_SIZES[family, size].layers
    listed = shapes(family, size)
    norm_biases = width * (layers + 1) if family == "mamba" else 0
    assert counted(of_language(listed)) == LANGUAGE_PARAMETERS[family, size] + norm_biases
    assert counted(listed, "vision_embed_tokens.") == CONNECTOR_PARAMETERS[width]
    assert len(of_encoder(listed)) == 510
    assert counted(of_encoder(listed)) == 303_645_632


@pytest.mark.parametrize(("family", "size"), [*RELEASED, ("mamba", "tiny"), ("pythia", "tiny")])
def test_language_keys_are_those_of_transformers_but_for_four_names(family, size):
    """The embedding of Mamba and the head of both are called otherwise, and Mamba's norms have biases."""
    of = LANGUAGE_SIZES[family, size]
    with torch.device("meta"):
        if family == "mamba":
            built = Mamba(MambaConfig(vocab_size=of.rows, hidden_size=of.width, num_hidden_layers=of.layers))
        else:
            built = GPTNeoXForCausalLM(GPTNeoXConfig(**config(family, size)))
    listed = of_language(shapes(family, size, **({"head": "duplicated"} if family == "mamba" else {})))
    renamed = {
        key.replace("backbone.embedding.", "backbone.embeddings."): shape
        for key, shape in listed.items()
        if not (family == "mamba" and key.endswith(("norm.bias", "norm_f.bias")))
    }
    head = renamed.pop("embed_out.weight", None) or renamed.pop("lm_head.weight")
    theirs = shapes_of(built)
    assert head == (theirs.pop("lm_head.weight", None) or theirs.pop("embed_out.weight"))
    assert renamed == theirs


@pytest.mark.parametrize("size", ["tiny", "large"])
def test_eva_keys_are_timms_without_a_difference(size):
    with torch.device("meta"):
        name = ENCODER_SIZES["eva", size].name.removeprefix("timm/")
        theirs = shapes_of(timm.create_model(name, num_classes=0))
    assert of_encoder(shapes("pythia", "tiny" if size == "tiny" else "1b")) == theirs


@pytest.mark.parametrize("size", ["tiny", "large"])
def test_clip_keys_are_transformers_and_start_with_vision_model(size):
    of = ENCODER_SIZES["clip", size]
    with torch.device("meta"):
        said = CLIPVisionConfig(
            hidden_size=of.width,
            num_hidden_layers=of.layers,
            num_attention_heads=of.heads,
            intermediate_size=of.inner,
            image_size=of.image,
            patch_size=of.patch,
        )
        theirs = shapes_of(CLIPVisionModel(said))
    listed = of_encoder(shapes("mamba", "tiny" if size == "tiny" else "790m", "clip"))
    assert all(key.startswith("vision_model.") for key in listed)
    theirs = {f"vision_model.{key.removeprefix('vision_model.')}": shape for key, shape in theirs.items()}
    assert listed == theirs


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_written_checkpoint_holds_exactly_the_listed_keys(family, encoder, dtype, tmp_path):
    written = write(tmp_path / "released", family, encoder, dtype=dtype)
    file = tmp_path / "released" / "model.safetensors"
    assert file.stat().st_size < 15_000_000
    held = load_file(file)
    assert {key: tuple(value.shape) for key, value in held.items()} == shapes(family, "tiny", encoder)
    assert {value.dtype for value in held.values()} == {dtype}
    assert all(torch.equal(held[key], written.weights[key]) for key in held)
    assert json.loads((tmp_path / "released" / "config.json").read_text()) == written.config


@pytest.mark.parametrize("family", FAMILIES)
def test_no_norm_is_one_and_no_bias_is_zero(family):
    for encoder in ENCODERS:
        for key, value in draw(family, encoder).items():
            assert value.isfinite().all(), key
            assert value.float().std() > 0.01, key


@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_shards_hold_every_key_once_and_the_index_says_where(form, tmp_path):
    written = write(tmp_path, "pythia", shards=3, form=form)
    stem = {"safetensors": "model", "bin": "pytorch_model"}[form]
    index = json.loads((tmp_path / f"{stem}.{form}.index.json").read_text())
    found = {}
    for number in (1, 2, 3):
        name = f"{stem}-0000{number}-of-00003.{form}"
        held = load_file(tmp_path / name) if form == "safetensors" else torch.load(tmp_path / name, weights_only=True)
        assert held
        assert not set(held) & set(found)
        found |= dict.fromkeys(held, name)
    assert found == index["weight_map"]
    assert set(found) == set(written.weights)
    assert index["metadata"]["total_size"] == sum(value.nbytes for value in written.weights.values())


def test_the_tied_head_is_absent_the_embedding_or_something_else():
    embedding, head = "backbone.embedding.weight", "lm_head.weight"
    assert head not in draw("mamba") and head not in draw("mamba", head="absent")
    same, other = draw("mamba", head="duplicated"), draw("mamba", head="conflicting")
    assert torch.equal(same[head], same[embedding])
    assert other[head].shape == other[embedding].shape and not torch.equal(other[head], other[embedding])
    with pytest.raises(ValueError, match="never tied"):
        draw("pythia", head="duplicated")


def test_a_mamba_of_rms_norms_differs_by_the_biases_of_its_norms_alone():
    missing = set(shapes("mamba")) - set(shapes("mamba", norm="rms"))
    assert missing == {*(f"backbone.layers.{layer}.norm.bias" for layer in range(3)), "backbone.norm_f.bias"}


def test_the_config_of_mamba_names_no_model_type_and_rms_norms_whatever_they_are():
    said = config("mamba")
    assert (said["model_type"], said["rms_norm"], said["hidden_size"]) == ("", True, said["d_model"])


def test_a_checkpoint_can_be_spoilt_key_by_key(tmp_path):
    wrong = torch.zeros(3)
    written = write(
        tmp_path,
        "mamba",
        weights={"backbone.norm_f.weight": None, "strange": wrong},
        configured={"rms_norm": False, "image_size": None},
    )
    held = load_file(tmp_path / "model.safetensors")
    assert set(held) == set(written.weights) == set(shapes("mamba")) - {"backbone.norm_f.weight"} | {"strange"}
    assert written.config["rms_norm"] is False
    assert "image_size" not in written.config


def test_buffers_and_what_the_trainer_leaves_are_there_when_asked_for(tmp_path):
    write(tmp_path, "pythia", with_buffers=True, trainer_files=True)
    assert set(buffers()) <= set(load_file(tmp_path / "model.safetensors"))
    beside = {file.name for file in tmp_path.iterdir()}
    assert {"trainer_state.json", "optimizer.pt", "scheduler.pt", "training_args.bin"} < beside


def test_both_forms_may_lie_in_one_folder(tmp_path):
    write(tmp_path, "mamba", seed=1)
    write_weights(tmp_path, draw("mamba", seed=2), form="bin")
    key = "vision_encoder.cls_token"
    assert torch.equal(load_file(tmp_path / "model.safetensors")[key], draw("mamba", seed=1)[key])
    assert torch.equal(torch.load(tmp_path / "pytorch_model.bin", weights_only=True)[key], draw("mamba", seed=2)[key])
