"""A model of ours gets the names, shapes and types of the public implementation, and says there what it says here."""

import dataclasses
import json

import pytest
import released_forward as witness
import torch
from released_models import write, write_encoder_config
from released_shapes import ENCODERS, FAMILIES, shapes
from safetensors.torch import load_file
from small_vlm import PATCHES

from training.config import ConfigError
from vlm.assemble import assemble
from vlm.config import ModelSettings
from vlm.model import VisionLanguageModel
from vlm.released.exporting import export_released
from vlm.released.importing import import_released
from vlm.vision import VisionSettings

EVA = VisionSettings(name="timm/eva02_tiny_test_clip_56", image_size=56, pretrained=False)
PIXELS = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(0))
IDS = witness.prompt_ids([[4118, 20, 30], [40, 209]], 4, 4)


def trained(family="mamba", norm="rms", vision=EVA, vocabulary="gpt-neox-20b", **of_layout):
    """A model of ours as if it had been trained: no weight is as it was made."""
    settings = ModelSettings(name=f"tiny/{family}", vision=vision, vocabulary=vocabulary, norm=norm)
    model = assemble(settings, **of_layout).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return model


def clip(tmp_path, **options):
    folder = write_encoder_config(tmp_path / "clip-vit-tiny-patch14-56")
    return VisionSettings(name=f"clip/{folder}", image_size=56, pretrained=False, **({"layer": -2} | options))


def said(model):
    positions = torch.arange(IDS.shape[1])[None]
    with torch.no_grad():
        return model.head(model.hidden(model.embed(IDS, model.features(PIXELS)), positions == 0, positions))


def weights_in(folder):
    held = {}
    for path in folder.glob("*.safetensors"):
        held |= load_file(path)
    return held


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_an_imported_model_gets_its_keys_shapes_types_and_numbers_back(family, encoder, dtype, tmp_path):
    options = {"head": "duplicated"} if family == "mamba" else {}
    mixed = {"vision_embed_tokens.0.bias": torch.randn(36 if family == "mamba" else 32, dtype=torch.float64)}
    released = write(tmp_path / "released", family, encoder, shards=2, dtype=dtype, weights=mixed, **options)
    import_released(released.folder, tmp_path / "ours")
    export_released(tmp_path / "ours", tmp_path / "theirs")
    there = weights_in(tmp_path / "theirs")
    assert there.keys() == released.weights.keys()
    for name, tensor in released.weights.items():
        assert there[name].dtype == tensor.dtype, name
        assert torch.equal(there[name], tensor), name
    assert json.loads((tmp_path / "theirs" / "config.json").read_text()) == released.config


@pytest.mark.parametrize("head", ["absent", "duplicated"])
def test_a_tied_output_is_stored_as_often_as_it_was(head, tmp_path):
    released = write(tmp_path / "released", "mamba", head=head)
    import_released(released.folder, tmp_path / "ours")
    export_released(tmp_path / "ours", tmp_path / "theirs")
    assert ("lm_head.weight" in weights_in(tmp_path / "theirs")) == (head == "duplicated")


def test_buffers_that_were_left_out_stay_out(tmp_path):
    write(tmp_path / "released", "pythia", with_buffers=True)
    import_released(tmp_path / "released", tmp_path / "ours")
    exported = export_released(tmp_path / "ours", tmp_path / "theirs")
    assert weights_in(tmp_path / "theirs").keys() == shapes("pythia").keys()
    assert len(exported.origin.dropped) == 9


@pytest.mark.parametrize(("family", "norm"), [("pythia", "rms"), ("mamba", "rms"), ("mamba", "layer")])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_model_that_was_trained_here_says_there_what_it_says_here(family, norm, encoder, tmp_path):
    model = trained(family, norm, EVA if encoder == "eva" else clip(tmp_path))
    model.save_pretrained(tmp_path / "ours")
    export_released(tmp_path / "ours", tmp_path / "theirs")
    config = json.loads((tmp_path / "theirs" / "config.json").read_text())
    held = weights_in(tmp_path / "theirs")
    if family == "mamba":
        there = witness.logits(held, config, IDS, PIXELS)
        torch.testing.assert_close(there[..., :50277], said(model), atol=1e-5, rtol=0)
    import_released(tmp_path / "theirs", tmp_path / "again")
    again = VisionLanguageModel.from_pretrained(tmp_path / "again")
    torch.testing.assert_close(said(again)[..., :50277], said(model), atol=1e-6, rtol=0)
    export_released(tmp_path / "again", tmp_path / "and again")
    there = weights_in(tmp_path / "and again")
    assert there.keys() == held.keys()
    assert all(torch.equal(there[name], held[name]) for name in held)


def test_mamba_gets_the_rows_that_the_public_implementation_has_and_a_copy_of_them(tmp_path):
    trained("mamba", "layer").save_pretrained(tmp_path / "ours")
    assert export_released(tmp_path / "ours", tmp_path / "theirs").rows_added == 3
    held = weights_in(tmp_path / "theirs")
    assert held["lm_head.weight"].shape == (50280, 64)
    assert torch.equal(held["lm_head.weight"], held["backbone.embedding.weight"])
    assert not held["lm_head.weight"][50277:].any()


@pytest.mark.parametrize(("family", "norm"), [("mamba", "layer"), ("mamba", "rms"), ("pythia", "rms")])
def test_the_layout_is_that_of_the_tables(family, norm, tmp_path):
    """Keys of a released model of as many layers: the tiny ones have three, and Pythia's here two."""
    trained(family, norm).save_pretrained(tmp_path / "ours")
    export_released(tmp_path / "ours", tmp_path / "theirs")
    options = {"norm": norm, "head": "duplicated"} if family == "mamba" else {}
    expected = {name for name in shapes(family, **options) if family == "mamba" or "gpt_neox.layers.2." not in name}
    assert weights_in(tmp_path / "theirs").keys() == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_the_config_is_that_of_the_family(family, tmp_path):
    trained(family, vision=clip(tmp_path, layer=2)).save_pretrained(tmp_path / "ours")
    export_released(tmp_path / "ours", tmp_path / "theirs")
    config = json.loads((tmp_path / "theirs" / "config.json").read_text())
    of_vision = {"select_layer": 2, "select_feature": "patch", "image_size": 56, "torch_dtype": "float32"}
    assert of_vision.items() <= config.items()
    assert config["vision_encoder_name"] == str(tmp_path / "clip-vit-tiny-patch14-56")
    if family == "mamba":
        expected = {"d_model": 64, "hidden_size": 64, "n_layer": 3, "vocab_size": 50280, "rms_norm": True}
        assert config["model_type"] == ""
    else:
        expected = {"hidden_size": 64, "num_attention_heads": 4, "rotary_pct": 1.0, "rotary_emb_base": 10_000}
        assert config["model_type"] == "gpt_neox"
    assert expected.items() <= config.items()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"vision": PATCHES},
            "has the vision encoder patches, and the public implementation knows EVA of timm",
        ),
        (
            {"vision": VisionSettings(name="timm/test_vit", image_size=32, pretrained=False)},
            "has the vision encoder timm/test_vit",
        ),
        ({"vision": dataclasses.replace(EVA, layer=-1)}, "takes layer -1 of timm/eva02_tiny_test_clip_56"),
        ({"vocabulary": "world"}, "has a vocabulary of its own"),
    ],
)
def test_a_model_that_the_layout_has_no_place_for_is_refused(options, sentence, tmp_path):
    trained(**options).save_pretrained(tmp_path / "ours")
    with pytest.raises(ConfigError, match=sentence):
        export_released(tmp_path / "ours", tmp_path / "theirs")
    assert not (tmp_path / "theirs").exists()


def test_a_clip_whose_output_is_normalised_is_refused(tmp_path):
    trained(vision=clip(tmp_path, layer=None)).save_pretrained(tmp_path / "ours")
    with pytest.raises(ConfigError, match=r"takes the normalised output of .* a layer of CLIP alone"):
        export_released(tmp_path / "ours", tmp_path / "theirs")


@pytest.mark.parametrize(
    ("family", "changes", "sentence"),
    [
        ("mamba", {"state_size": 8}, "has state_size other than the public implementation's Mamba"),
        ("pythia", {"rope_parameters": {"rope_type": "linear", "factor": 2.0}}, "rotary positions of type linear"),
        ("mamba", {"model_type": "llama"}, "the family of .* must be one of mamba, pythia"),
    ],
)
def test_a_language_model_of_another_build_is_refused(family, changes, sentence, tmp_path):
    trained(family).save_pretrained(tmp_path / "ours")
    described = json.loads((tmp_path / "ours" / "config.json").read_text())
    described["language"] |= changes
    (tmp_path / "ours" / "config.json").write_text(json.dumps(described))
    with pytest.raises(ConfigError, match=sentence):
        export_released(tmp_path / "ours", tmp_path / "theirs")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": 1}'])
def test_an_origin_that_cannot_be_read_is_refused(text, tmp_path):
    write(tmp_path / "released", "mamba")
    import_released(tmp_path / "released", tmp_path / "ours")
    (tmp_path / "ours" / "released.json").write_text(text)
    with pytest.raises(ConfigError, match="import the model again, or delete the file"):
        export_released(tmp_path / "ours", tmp_path / "theirs")


def test_a_folder_that_holds_no_model_of_ours_is_refused(tmp_path):
    write(tmp_path / "released", "mamba")
    with pytest.raises(ConfigError, match="holds no trained model"):
        export_released(tmp_path / "released", tmp_path / "theirs")
