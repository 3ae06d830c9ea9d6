"""Encoders give features of patches alone, stay as they were, and never pass off drawn weights as trained ones."""

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.layers.pos_embed import resample_abs_pos_embed
from transformers import CLIPConfig, CLIPModel, CLIPVisionConfig, CLIPVisionModel, GPTNeoXConfig

from training.config import ConfigError
from vlm.pixels import CLIP, Normalisation
from vlm.vision import (
    VisionError,
    VisionSettings,
    build_encoder,
    image_tokens,
    load_encoder_weights,
    outline_of,
)
from vlm.vision.patches import flatten_patches

EVA = "timm/eva02_tiny_patch14_224"
VIT = "timm/test_vit"
REGISTERS = "timm/vit_small_patch14_reg4_dinov2"


def drawn(name=EVA, image_size=56, **options):
    """An encoder with weights from a seed."""
    torch.manual_seed(0)
    return build_encoder(VisionSettings(name=name, image_size=image_size, pretrained=False, **options))


def pixels(size=56, count=2):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    """A CLIP vision model of 4 x 4 patches and 3 blocks."""
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    CLIPVisionModel(CLIPVisionConfig(**shape, image_size=32, patch_size=8)).save_pretrained(folder)
    return folder


# What the settings say


def test_the_defaults_are_the_papers():
    chosen = VisionSettings()
    assert (chosen.name, chosen.image_size) == ("timm/eva02_large_patch14_clip_336", 336)
    assert (chosen.layer, chosen.pretrained, chosen.precision) == (None, True, "fp32")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "resnet"}, "patches, timm/MODEL, clip/HUB-NAME-OR-FOLDER, not 'resnet'"),
        ({"name": "timm/"}, "must be one of"),
        ({"name": "patches/16"}, "must be one of"),
        ({"name": "patches"}, "needs a patch_size"),
        ({"name": "patches", "patch_size": 0}, "needs a patch_size"),
        ({"name": "patches", "patch_size": 16, "layer": -1}, "leave layer out"),
        ({"patch_size": 14}, "leave patch_size out"),
        ({"image_size": 0}, "image_size must be at least 1"),
        ({"image_size": 33.5}, "image_size must be a whole number"),
        ({"precision": "fp16"}, "precision must be one of"),
    ],
)
def test_settings_that_contradict_are_refused_in_a_sentence(options, said):
    with pytest.raises(ConfigError, match=said):
        VisionSettings(**options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "timm/eva02_tiny_patch14_223"}, r"name one, such as .*eva02_tiny_patch14_224.*\.$"),
        ({"name": "timm/eva02_tiny_patch14_224.bad"}, r"name one, such as .*eva02_tiny_patch14_224\.mim_in22k"),
        ({"name": "timm/zzz"}, r"such as eva02_large_patch14_clip_336"),
        ({"name": "timm/resnet18"}, "no ViT or EVA called resnet18"),
        ({"name": "timm/vit_base_r50_s16_224"}, "no ViT or EVA"),
        ({"name": "timm/hf-hub:timm/test_vit"}, "no ViT or EVA"),
        ({"name": EVA, "image_size": 60}, "60 pixels do not divide into patches of 14: ask for an image_size of 56"),
        ({"name": EVA, "image_size": 3}, "ask for an image_size of 14"),
        ({"name": EVA, "layer": 0}, "has 12 layers: ask for one from 1 to 12 or -12 to -1"),
        ({"name": EVA, "layer": 13}, "has 12 layers"),
        ({"name": EVA, "layer": -13}, "has 12 layers"),
        ({"name": "patches", "patch_size": 15}, "do not divide into patches of 15"),
        ({"name": "clip/nowhere/at-all"}, "nowhere/at-all is not a model that can be reached"),
    ],
)
def test_what_no_model_can_do_is_refused_in_a_sentence(options, said):
    with pytest.raises(VisionError, match=said) as refused:
        drawn(**options)
    assert "\n" not in str(refused.value)


# Features


@pytest.mark.parametrize("name", [EVA, VIT, REGISTERS, "timm/deit_tiny_distilled_patch16_224"])
def test_features_are_those_of_the_patches_alone(name):
    """Here the prefix of class and register tokens has 1, 1, 5 and 2 of them."""
    encoder = drawn(name, image_size=112)
    rows, columns = encoder.grid
    given = pixels(112)
    features = encoder(given)
    assert features.shape == (2, rows * columns, encoder.width)
    assert features.dtype == torch.float32
    everything = encoder.model.forward_features(given)
    assert everything.shape[1] == rows * columns + encoder.model.num_prefix_tokens
    expected = encoder.model.fc_norm(everything[:, -rows * columns :])
    torch.testing.assert_close(features, expected)


@pytest.mark.parametrize("name", [EVA, VIT, "timm/test_vit2"])
def test_the_last_layer_is_normalised_also_in_models_that_pool_first(name):
    features = drawn(name, image_size=112)(pixels(112))
    torch.testing.assert_close(features.mean(-1), torch.zeros(features.shape[:2]), atol=1e-4, rtol=0)
    torch.testing.assert_close(features.std(-1, correction=0), torch.ones(features.shape[:2]), atol=1e-2, rtol=0)


def test_patches_are_in_raster_order():
    """With blocks that add nothing and no positions, a feature depends on its own patch."""
    encoder = drawn(VIT, image_size=64)
    for block in encoder.model.blocks:
        torch.nn.init.zeros_(block.attn.proj.weight)
        torch.nn.init.zeros_(block.mlp.fc2.weight)
    plain, touched = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    touched[:, :, 16:32, 48:64] = torch.randn(3, 16, 16)
    moved = (encoder(plain) != encoder(touched)).any(-1)[0]
    assert moved.nonzero().flatten().tolist() == [1 * 4 + 3]


@pytest.mark.parametrize("name", [EVA, VIT])
@pytest.mark.parametrize("layer", [1, 4, -2, -1])
def test_a_layer_of_timm_is_the_output_of_that_block(name, layer):
    encoder = drawn(name, layer=layer, image_size=112)
    blocks = encoder.model.blocks
    kept = []
    handle = blocks[layer - 1 if layer > 0 else layer].register_forward_hook(lambda *call: kept.append(call[2]))
    features = encoder(pixels(112))
    handle.remove()
    torch.testing.assert_close(features, kept[0][:, encoder.model.num_prefix_tokens :], rtol=0, atol=0)


@pytest.mark.parametrize("layer", [1, 3, -1, -2, -3])
def test_a_layer_of_clip_is_that_hidden_state_without_the_class_token(clip_folder, layer):
    encoder = build_encoder(VisionSettings(name=f"clip/{clip_folder}", image_size=32, layer=layer))
    with torch.no_grad():
        expected = CLIPVisionModel.from_pretrained(clip_folder)(pixels(32), output_hidden_states=True).hidden_states
    assert (encoder.grid, encoder.width) == ((4, 4), 16)
    torch.testing.assert_close(encoder(pixels(32)), expected[layer][:, 1:])


def test_the_last_layer_of_clip_is_normalised(clip_folder):
    encoder = build_encoder(VisionSettings(name=f"clip/{clip_folder}", image_size=32))
    reference = CLIPVisionModel.from_pretrained(clip_folder)
    expected = reference.post_layernorm(reference(pixels(32)).last_hidden_state)[:, 1:]
    torch.testing.assert_close(encoder(pixels(32)), expected.detach())


def test_pixels_of_another_size_are_no_input():
    with pytest.raises(ValueError, match="n x 3 x 56 x 56"):
        drawn()(pixels(70))


def test_an_encoder_says_how_its_pixels_are_normalised(clip_folder):
    half = Normalisation(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    assert drawn("timm/vit_tiny_patch16_224", image_size=32).normalisation == half
    assert drawn(f"clip/{clip_folder}", image_size=32).normalisation == CLIP
    assert drawn("patches", image_size=32, patch_size=8).normalisation == CLIP


# Raw patches


def slowly(picture, patch):
    """The definition: for each patch, row by row, its pixels row by row, each with its channels."""
    _, height, width = picture.shape
    return [
        [
            picture[channel, top + row, left + column].item()
            for row in range(patch)
            for column in range(patch)
            for channel in range(picture.shape[0])
        ]
        for top in range(0, height, patch)
        for left in range(0, width, patch)
    ]


@given(
    count=st.integers(1, 3),
    channels=st.integers(1, 4),
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    patch=st.integers(1, 4),
)
@settings(deadline=None, max_examples=50)
def test_patches_are_flattened_as_defined_whatever_the_shape(count, channels, rows, columns, patch):
    given = torch.randn(count, channels, rows * patch, columns * patch)
    flat = flatten_patches(given, patch)
    assert flat.shape == (count, rows * columns, patch * patch * channels)
    assert flat.tolist() == [slowly(picture, patch) for picture in given]


@pytest.mark.parametrize(("height", "width"), [(8, 9), (9, 8)])
def test_a_picture_that_does_not_divide_into_patches_is_refused(height, width):
    with pytest.raises(VisionError, match=f"{height} x {width} pixels do not divide into patches of 4"):
        flatten_patches(torch.zeros(1, 3, height, width), 4)


def test_raw_patches_have_no_weights():
    encoder = drawn("patches", image_size=32, patch_size=8, precision="bf16")
    assert (encoder.grid, encoder.width, list(encoder.parameters())) == ((4, 4), 192, [])
    assert (encoder(pixels(32)) == flatten_patches(pixels(32), 8)).all()
    load_encoder_weights(encoder, {})


# Frozen


@pytest.mark.parametrize("name", [EVA, "clip", "patches"])
def test_an_encoder_in_a_model_that_trains_stays_as_it_was(clip_folder, name):
    name = f"clip/{clip_folder}" if name == "clip" else name
    encoder = drawn(name, patch_size=8 if name == "patches" else None)
    connector = torch.nn.Linear(encoder.width, 4)
    model = torch.nn.Sequential(encoder, connector)
    before = {key: weight.clone() for key, weight in encoder.state_dict().items()}
    model.train()
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    # Even where somebody unfreezes the whole, nothing flows into it.
    model.requires_grad_(True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    model(pixels()).square().mean().backward()
    optimizer.step()
    assert connector.weight.grad is not None
    assert all(parameter.grad is None for parameter in encoder.parameters())
    assert all((encoder.state_dict()[key] == weight).all() for key, weight in before.items())


def test_an_encoder_computes_in_its_own_precision_whatever_autocast_says():
    full, half = drawn(), drawn(precision="bf16")
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}
    exact, coarse = full(pixels()), half(pixels())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (full(pixels()) == exact).all()
        assert (half(pixels()) == coarse).all()
    assert coarse.dtype == torch.float32
    assert (coarse == coarse.bfloat16()).all()
    assert not (coarse == exact).all()
    assert torch.nn.functional.cosine_similarity(coarse, exact, dim=-1).min() > 0.99


# Weights


def test_weights_of_another_resolution_have_their_positions_resampled_as_timm_does():
    small, large = drawn(EVA, 224), drawn(EVA, 280)
    torch.nn.init.normal_(small.model.pos_embed)
    load_encoder_weights(large, small.model.state_dict())
    reference = timm.create_model("eva02_tiny_patch14_224", num_classes=0).eval()
    reference.load_state_dict(small.model.state_dict())
    reference.set_input_size(img_size=(280, 280))
    assert (large.grid, large.model.pos_embed.shape) == ((20, 20), (1, 401, 192))
    assert (large.model.pos_embed == reference.pos_embed).all()
    assert (large.model.pos_embed[:, 0] == small.model.pos_embed[:, 0]).all()
    with torch.no_grad():
        expected = reference.fc_norm(reference.forward_features(pixels(280)))[:, 1:]
    torch.testing.assert_close(large(pixels(280)), expected, rtol=0, atol=0)


def test_weights_pass_between_resolutions_that_are_not_the_models_own():
    small, large = drawn(VIT, 64), drawn(VIT, 96)
    load_encoder_weights(large, small.model.state_dict())
    expected = resample_abs_pos_embed(small.model.pos_embed, [6, 6], [4, 4])
    assert (large.model.pos_embed == expected).all()


def test_weights_of_the_same_resolution_are_taken_as_they_are():
    one, other = drawn(EVA), drawn(EVA)
    torch.nn.init.normal_(one.model.pos_embed)
    load_encoder_weights(other, one.model.state_dict())
    assert all((other.state_dict()[key] == weight).all() for key, weight in one.state_dict().items())


@pytest.mark.parametrize("name", [EVA, "clip"])
def test_a_table_of_positions_that_is_no_square_is_refused(clip_folder, name):
    encoder = drawn(f"clip/{clip_folder}" if name == "clip" else name)
    weights = encoder.model.state_dict()
    table = next(key for key in weights if "pos_embed" in key or "position_embedding" in key)
    weights[table] = weights[table][..., :7, :]
    with pytest.raises(VisionError, match="not the weights of"):
        load_encoder_weights(encoder, weights)


@pytest.mark.parametrize("fault", ["missing", "unknown", "of another shape"])
def test_weights_that_are_not_exactly_the_models_are_refused_and_change_nothing(fault):
    encoder = drawn()
    before = {key: weight.clone() for key, weight in encoder.model.state_dict().items()}
    weights = {key: torch.zeros_like(weight) for key, weight in before.items()}
    if fault == "missing":
        del weights["blocks.3.norm1.weight"]
    elif fault == "unknown":
        weights["blocks.12.norm1.weight"] = torch.zeros(192)
    else:
        weights["blocks.3.norm1.weight"] = torch.zeros(7)
    with pytest.raises(VisionError, match=rf"not the weights of timm/eva02_tiny.*1 {fault}.*, blocks"):
        load_encoder_weights(encoder, weights)
    assert all((encoder.model.state_dict()[key] == weight).all() for key, weight in before.items())


def serve(monkeypatch, weights):
    """Lets timm find these weights where it would ask the hub."""
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *_, **__: dict(weights))


def test_weights_of_the_hub_are_loaded_without_their_classifier(monkeypatch):
    weights = timm.create_model("test_vit").state_dict()
    assert "head.weight" in weights
    serve(monkeypatch, weights)
    encoder = build_encoder(VisionSettings(name=VIT, image_size=160))
    loaded = encoder.model.state_dict()
    assert loaded.keys() == {key for key in weights if not key.startswith("head.")}
    assert all((weight == weights[key]).all() for key, weight in loaded.items())


@pytest.mark.parametrize("fault", ["missing", "unknown"])
def test_weights_of_the_hub_that_are_not_whole_are_refused(monkeypatch, fault):
    weights = timm.create_model("test_vit").state_dict()
    if fault == "missing":
        del weights["norm.weight"]
    else:
        weights["mystery"] = torch.zeros(1)
    serve(monkeypatch, weights)
    with pytest.raises(VisionError, match=f"1 {fault}"):
        build_encoder(VisionSettings(name=VIT, image_size=160))


@pytest.mark.parametrize("name", [VIT, "clip/openai/clip-vit-large-patch14-336"])
def test_a_hub_that_cannot_be_reached_is_said_in_a_sentence(name):
    with pytest.raises(VisionError) as refused:
        build_encoder(VisionSettings(name=name, image_size=336))
    assert name.partition("/")[2] in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")


def test_clip_at_another_resolution_has_its_positions_resampled(clip_folder):
    native = CLIPVisionModel.from_pretrained(clip_folder).embeddings.position_embedding.weight
    encoder = build_encoder(VisionSettings(name=f"clip/{clip_folder}", image_size=48, layer=-2))
    expected = resample_abs_pos_embed(native[None], [6, 6])[0]
    assert encoder.grid == (6, 6)
    assert (encoder.model.embeddings.position_embedding.weight == expected).all()
    assert encoder(pixels(48)).shape == (2, 36, 16)


def test_clip_weights_are_taken_under_the_names_of_older_versions(clip_folder):
    source = build_encoder(VisionSettings(name=f"clip/{clip_folder}", image_size=32))
    target = drawn(f"clip/{clip_folder}", image_size=32)
    older = {f"vision_model.{key}": weight for key, weight in source.model.state_dict().items()}
    load_encoder_weights(target, older | {"vision_model.embeddings.position_ids": torch.arange(17)[None]})
    assert (target(pixels(32)) == source(pixels(32))).all()


def test_a_whole_clip_gives_its_vision_model(tmp_path):
    part = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    vision = {**part, "image_size": 32, "patch_size": 8}
    whole = CLIPModel(CLIPConfig(vision_config=vision, text_config={**part, "vocab_size": 20}, projection_dim=8))
    whole.save_pretrained(tmp_path)
    encoder = build_encoder(VisionSettings(name=f"clip/{tmp_path}", image_size=32))
    kept = whole.vision_model.state_dict()
    assert all((weight == kept[key]).all() for key, weight in encoder.model.state_dict().items())


def test_a_folder_that_is_not_a_whole_clip_is_refused(tmp_path, clip_folder):
    model = CLIPVisionModel.from_pretrained(clip_folder)
    weights = model.state_dict()
    del weights["encoder.layers.1.mlp.fc1.bias"]
    model.save_pretrained(tmp_path / "part", state_dict=weights)
    model.config.save_pretrained(tmp_path / "bare")
    GPTNeoXConfig().save_pretrained(tmp_path / "text")
    for folder, said in [
        ("part", "lacks 1 of its weights"),
        ("bare", "does not load"),
        ("text", "no CLIP but gpt_neox"),
    ]:
        with pytest.raises(VisionError, match=said):
            build_encoder(VisionSettings(name=f"clip/{tmp_path / folder}", image_size=32))


# The paper's encoder


@pytest.mark.parametrize(
    ("size", "grid", "patches", "tokens"),
    [(336, (24, 24), 576, 601), (448, (32, 32), 1024, 1057), (560, (40, 40), 1600, 1641)],
)
def test_the_papers_encoder_at_each_resolution(size, grid, patches, tokens):
    encoder = outline_of(VisionSettings(image_size=size))
    pixels = torch.empty(2, 3, size, size, device="meta")
    assert encoder.features(pixels).shape == (2, patches, 1024)
    assert (encoder.grid, encoder.width, image_tokens(encoder.grid)) == (grid, 1024, tokens)
    assert encoder.normalisation == CLIP
    assert encoder.model.pos_embed.shape == (1, 1 + patches, 1024)
    assert encoder.model.rope.pos_embed.shape == (patches, 128)
    assert len(encoder.model.state_dict()) == 510
    if size == 336:
        assert sum(parameter.numel() for parameter in encoder.parameters()) == 303_645_632


def test_the_papers_encoder_has_the_names_and_shapes_of_the_released_weights():
    """Reference-facts, 3.4."""
    model = outline_of(VisionSettings()).model
    expected = {"cls_token": (1, 1, 1024), "pos_embed": (1, 577, 1024), "norm.weight": (1024,), "norm.bias": (1024,)}
    expected |= {"patch_embed.proj.weight": (1024, 3, 14, 14), "patch_embed.proj.bias": (1024,)}
    for block in range(24):
        start = f"blocks.{block}."
        for name in ("norm1", "norm2", "attn.norm"):
            expected |= {f"{start}{name}.weight": (1024,), f"{start}{name}.bias": (1024,)}
        for name in ("q_proj", "v_proj", "proj"):
            expected |= {f"{start}attn.{name}.weight": (1024, 1024), f"{start}attn.{name}.bias": (1024,)}
        expected |= {f"{start}attn.k_proj.weight": (1024, 1024)}
        for name in ("fc1_g", "fc1_x"):
            expected |= {f"{start}mlp.{name}.weight": (2730, 1024), f"{start}mlp.{name}.bias": (2730,)}
        expected |= {f"{start}mlp.norm.weight": (2730,), f"{start}mlp.norm.bias": (2730,)}
        expected |= {f"{start}mlp.fc2.weight": (1024, 2730), f"{start}mlp.fc2.bias": (1024,)}
    assert {key: tuple(weight.shape) for key, weight in model.state_dict().items()} == expected


@pytest.mark.slow
def test_the_papers_encoder_takes_the_weights_of_336_pixels_at_448():
    small, large = drawn(VisionSettings().name, 336), drawn(VisionSettings().name, 448)
    load_encoder_weights(large, small.model.state_dict())
    expected = resample_abs_pos_embed(small.model.pos_embed, [32, 32], [24, 24])
    assert (large.model.pos_embed == expected).all()


@pytest.mark.parametrize(("grid", "tokens"), [((16, 16), 273), ((1, 1), 3), ((2, 5), 13), ((5, 2), 16)])
def test_a_picture_takes_a_token_a_patch_and_one_a_row_and_one_more(grid, tokens):
    assert image_tokens(grid) == tokens
