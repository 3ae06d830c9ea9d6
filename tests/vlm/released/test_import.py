"""A released checkpoint says here what it says by the facts alone, whatever its files look like."""

import functools
import json

import pytest
import released_forward as witness
import torch
from released_models import config as public_config
from released_models import write
from released_shapes import ENCODERS, FAMILIES, RELEASED, shapes
from safetensors.torch import load_file

from training.config import ConfigError
from vlm.model import VisionLanguageModel
from vlm.released import importing
from vlm.released.importing import import_released, read_released
from vlm.released.origin import origin_of
from vlm.released.shards import write_weights

CLASSES = [(family, encoder) for family in FAMILIES for encoder in ENCODERS]
SIDE = 56
TURNS = [[4118, 20, 30], [40, 209]]


def ours(folder, ids, pixels):
    """Logits of the model in a folder, at every step."""
    model = VisionLanguageModel.from_pretrained(folder)
    positions = torch.arange(ids.shape[1]).expand_as(ids)
    with torch.no_grad():
        return model.head(model.hidden(model.embed(ids, model.features(pixels)), positions == 0, positions))


def assert_says_the_same(released, folder):
    ids = torch.cat([witness.prompt_ids(turns, 4, 4) for turns in (TURNS, TURNS[::-1])])
    pixels = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    expected = witness.logits(released.weights, released.config, ids, pixels)
    torch.testing.assert_close(ours(folder, ids, pixels), expected, atol=1e-5, rtol=0)


def stored(folder):
    """All that is in the files of a model."""
    held = {}
    for path in folder.glob("model*.safetensors"):
        held |= load_file(path)
    return held


@pytest.mark.parametrize(("family", "encoder"), CLASSES)
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_an_imported_model_says_what_the_released_one_says(family, encoder, shards, form, tmp_path):
    released = write(tmp_path / "released", family, encoder, shards=shards, form=form, dtype=torch.float32)
    import_released(released.folder, tmp_path / "ours")
    assert_says_the_same(released, tmp_path / "ours")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("family", FAMILIES)
def test_half_precision_stays_half_on_disk_and_is_computed_with_in_full(family, dtype, tmp_path):
    released = write(tmp_path / "released", family, dtype=dtype)
    import_released(released.folder, tmp_path / "ours")
    assert {tensor.dtype for tensor in stored(tmp_path / "ours").values()} == {dtype}
    assert_says_the_same(released, tmp_path / "ours")


def test_each_weight_keeps_its_own_type(tmp_path):
    kept = {"vision_embed_tokens.0.bias": torch.ones(36, dtype=torch.float64)}
    kept["backbone.norm_f.weight"] = torch.ones(36, dtype=torch.float32)
    write(tmp_path / "released", "mamba", weights=kept)
    import_released(tmp_path / "released", tmp_path / "ours")
    types = {name: tensor.dtype for name, tensor in stored(tmp_path / "ours").items()}
    assert types.pop("connector.0.bias") == torch.float64
    assert types.pop("language_model.backbone.norm_f.weight") == torch.float32
    assert set(types.values()) == {torch.bfloat16}


@pytest.mark.parametrize("head", ["absent", "duplicated"])
def test_the_tied_output_of_mamba_is_stored_once_however_often_it_was(head, tmp_path):
    released = write(tmp_path / "released", "mamba", head=head, dtype=torch.float32)
    import_released(released.folder, tmp_path / "ours")
    assert sum(tensor.shape[0] == 50280 for tensor in stored(tmp_path / "ours").values()) == 1
    assert origin_of(tmp_path / "ours").head == {"absent": "tied", "duplicated": "duplicated"}[head]
    assert_says_the_same(released, tmp_path / "ours")


def test_an_output_that_is_not_the_embedding_it_is_tied_to_is_refused(tmp_path):
    write(tmp_path / "released", "mamba", head="conflicting")
    with pytest.raises(ConfigError, match=r"lm_head\.weight in .* is not the embedding"):
        import_released(tmp_path / "released", tmp_path / "ours")


def test_a_pythia_whose_output_is_tied_may_have_it_twice_or_once(tmp_path):
    embedding = 0.2 * torch.randn(50304, 32, generator=torch.Generator().manual_seed(0))
    tied = {"gpt_neox.embed_in.weight": embedding, "embed_out.weight": embedding.clone()}
    options = {"dtype": torch.float32, "configured": {"tie_word_embeddings": True}}
    released = write(tmp_path / "twice", "pythia", weights=tied, **options)
    import_released(released.folder, tmp_path / "ours")
    assert_says_the_same(released, tmp_path / "ours")
    write(tmp_path / "once", "pythia", weights=tied | {"embed_out.weight": None}, **options)
    import_released(tmp_path / "once", tmp_path / "again")
    assert stored(tmp_path / "ours").keys() == stored(tmp_path / "again").keys()


@pytest.mark.parametrize("norm", ["layer", "rms"])
def test_the_norm_is_what_the_biases_say_whatever_the_config_says(norm, tmp_path):
    released = write(tmp_path / "released", "mamba", norm=norm, dtype=torch.float32, configured={"rms_norm": True})
    found = import_released(released.folder, tmp_path / "ours")
    assert found.model.config.norm == norm
    assert found.model.config.language["residual_in_fp32"] == (norm == "rms")
    assert_says_the_same(released, tmp_path / "ours")


@pytest.mark.parametrize(("family", "folder"), [("pythia", "vl_mamba/finetuned"), ("mamba", "pythiavl-eva-clip")])
def test_the_family_is_what_the_weights_are_of_whatever_the_folder_is_called(family, folder, tmp_path):
    """B7: the public implementation takes every model below a folder called mamba for one."""
    write(tmp_path / folder, family, configured={"model_type": "mamba"})
    assert read_released(tmp_path / folder).model.family == family


def test_buffers_of_older_files_are_left_out_and_named(tmp_path):
    released = write(tmp_path / "released", "pythia", with_buffers=True, dtype=torch.float32)
    origin = import_released(released.folder, tmp_path / "ours").origin
    kinds = ("bias", "masked_bias", "rotary_emb.inv_freq")
    assert set(origin.dropped) == {f"gpt_neox.layers.{n}.attention.{kind}" for n in range(3) for kind in kinds}
    assert_says_the_same(released, tmp_path / "ours")


def test_numbers_of_the_positions_of_an_older_clip_are_left_out(tmp_path):
    numbers = {"vision_encoder.vision_model.embeddings.position_ids": torch.arange(17)[None]}
    released = write(tmp_path / "released", "mamba", "clip", weights=numbers, dtype=torch.float32)
    assert import_released(released.folder, tmp_path / "ours").origin.dropped == tuple(numbers)
    assert_says_the_same(released, tmp_path / "ours")


def test_what_a_trainer_leaves_beside_the_weights_is_not_read(tmp_path):
    released = write(tmp_path / "released", "mamba", dtype=torch.float32, trainer_files=True)
    import_released(released.folder, tmp_path / "ours")
    assert_says_the_same(released, tmp_path / "ours")


def test_of_two_forms_the_safe_one_is_read(tmp_path):
    released = write(tmp_path / "released", "mamba", dtype=torch.float32, seed=1)
    (tmp_path / "released" / "pytorch_model.bin").write_bytes(b"whatever")
    import_released(released.folder, tmp_path / "ours")
    assert_says_the_same(released, tmp_path / "ours")


def test_heads_and_the_rotary_share_of_pythia_are_what_the_config_says(tmp_path):
    released = write(
        tmp_path / "released", "pythia", dtype=torch.float32, configured={"num_attention_heads": 4, "rotary_pct": 0.5}
    )
    import_released(released.folder, tmp_path / "ours")
    language = json.loads((tmp_path / "ours" / "config.json").read_text())["language"]
    assert (language["num_attention_heads"], language["rope_parameters"]["partial_rotary_factor"]) == (4, 0.5)


@pytest.mark.parametrize("layer", [-1, -2, 1])
def test_the_features_of_clip_are_the_hidden_states_that_the_config_selects(layer, tmp_path):
    released = write(tmp_path / "released", "mamba", "clip", dtype=torch.float32, configured={"select_layer": layer})
    import_released(released.folder, tmp_path / "ours")
    assert_says_the_same(released, tmp_path / "ours")


def test_clip_is_asked_for_the_layer_before_the_last_where_nothing_is_said(tmp_path):
    write(tmp_path / "released", "mamba", "clip", configured={"select_layer": None})
    assert read_released(tmp_path / "released").model.config.vision.layer == -2


def test_a_wrong_name_of_the_encoder_can_be_corrected(tmp_path):
    """3.5: the public implementation writes its own arguments over it."""
    wrong = {"vision_encoder_name": "openai/clip-vit-large-patch14-336", "image_size": 224}
    released = write(tmp_path / "released", "mamba", dtype=torch.float32, configured=wrong)
    with pytest.raises(ConfigError, match="the weights are of an EVA: name it as timm/MODEL with --vision"):
        read_released(released.folder, image_size=SIDE)
    with pytest.raises(ConfigError, match="give --image-size 56 if the weights are right"):
        read_released(released.folder, vision="timm/eva02_tiny_test_clip_56")
    import_released(released.folder, tmp_path / "ours", vision="timm/eva02_tiny_test_clip_56", image_size=SIDE)
    assert_says_the_same(write(tmp_path / "right", "mamba", dtype=torch.float32), tmp_path / "ours")


def test_an_imported_model_is_asked_as_it_was_trained(tmp_path):
    write(tmp_path / "released", "mamba")
    config = import_released(tmp_path / "released", tmp_path / "ours", order="task-aware", max_length=300).model.config
    read = VisionLanguageModel.from_pretrained(tmp_path / "ours").config
    for one in (config, read):
        assert (one.order, one.case, one.max_length) == ("task-aware", "lowered", 300)
    assert read.vision == config.vision


@pytest.mark.parametrize(("family", "size"), RELEASED)
def test_every_weight_of_a_released_model_is_known_at_its_size(family, size, tmp_path):
    """Files of the real sizes that take no room: after the header of names and shapes there is a hole."""
    real = shapes(family, size)
    sparse(tmp_path / "model.safetensors", real)
    (tmp_path / "config.json").write_text(json.dumps(public_config(family, size)))
    model, weights, origin = read_released(tmp_path)
    assert origin.model == f"{'Mamba' if family == 'mamba' else 'Pythia'}-VL {size.upper()}"
    assert model.config.max_length == (800 if size == "2.8b" else 1024)
    assert model.config.vision.name == "timm/eva02_large_patch14_clip_336"
    assert sum(weight.numbers for weight in weights.values()) == sum(torch.Size(one).numel() for one in real.values())
    assert len(weights) == len(real)


def sparse(path, shapes):
    """A safetensors file in bfloat16 of which only the header is on disk."""
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, end]}
    said = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(said).to_bytes(8, "little") + said)
        file.truncate(8 + len(said) + end)


def test_a_model_above_the_limit_of_a_file_is_spread_over_shards(tmp_path, monkeypatch):
    released = write(tmp_path / "released", "pythia", dtype=torch.float32)
    monkeypatch.setattr(importing, "write_weights", functools.partial(write_weights, largest=2_000_000))
    import_released(released.folder, tmp_path / "ours")
    assert len(list((tmp_path / "ours").glob("model-*-of-*.safetensors"))) > 2
    assert_says_the_same(released, tmp_path / "ours")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_weight_of_a_model_with_the_large_clip_is_known_without_the_hub(family, tmp_path):
    size = {"mamba": "790m", "pythia": "1b"}[family]
    sparse(tmp_path / "model.safetensors", shapes(family, size, "clip"))
    (tmp_path / "config.json").write_text(json.dumps(public_config(family, size, "clip")))
    found = read_released(tmp_path)
    assert len(found.weights) == len(shapes(family, size, "clip"))
    vision = found.model.config.vision
    assert (vision.name, vision.layer) == ("clip/openai/clip-vit-large-patch14-336", -2)
