"""The witness of released checkpoints agrees with public libraries wherever one of them has the same part.

timm for EVA-02, transformers for CLIP, GPT-NeoX and Mamba (whose norm there is RMSNorm; LayerNorm is torch's own).
"""

import pytest
import released_forward
import timm
import torch
from released_models import buffers, config, draw, write_encoder_config
from released_shapes import ENCODER_SIZES, LANGUAGE_SIZES
from transformers import CLIPVisionConfig, CLIPVisionModel, GPTNeoXConfig, GPTNeoXForCausalLM, MambaConfig
from transformers import MambaForCausalLM as Mamba

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
IDS = torch.randint(0, 50000, (2, 19), generator=torch.Generator().manual_seed(1))
IMAGES = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(2))


def part(weights, prefix):
    return {key.removeprefix(f"{prefix}."): value for key, value in weights.items() if key.startswith(f"{prefix}.")}


def float32(family, encoder="eva", **options):
    return draw(family, encoder, dtype=torch.float32, **options)


@torch.no_grad()
@pytest.mark.parametrize("side", [56, 84])
def test_eva_is_timms_at_its_own_size_and_at_another(side):
    weights = part(float32("mamba"), "vision_encoder")
    patches = (side // 14) ** 2
    weights["pos_embed"] = torch.randn(1, 1 + patches, 64, generator=torch.Generator().manual_seed(3))
    model = timm.create_model("eva02_tiny_test_clip_56", num_classes=0, img_size=side).eval()
    model.load_state_dict(weights)
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(4))
    said = released_forward.eva(weights, images, heads=4)
    assert said.shape == (2, patches, 64)
    torch.testing.assert_close(said, model.forward_features(images)[:, 1:], **CLOSE)


@torch.no_grad()
def test_angles_of_the_full_size_are_timms():
    """Sines and cosines of 24 x 24 patches told on a grid of 16 x 16, each for two places of a head."""
    rope = timm.layers.RotaryEmbeddingCat(64, in_pixels=False, feat_shape=[24, 24], ref_feat_shape=[16, 16])
    angles = released_forward.eva_angles(24, 24, 64).repeat_interleave(2, -1)
    torch.testing.assert_close(torch.cat([angles.sin(), angles.cos()], -1), rope.get_embed(), **CLOSE)


@torch.no_grad()
def test_hidden_states_of_clip_are_transformers(tmp_path):
    weights = part(part(float32("mamba", "clip"), "vision_encoder"), "vision_model")
    model = CLIPVisionModel(CLIPVisionConfig.from_pretrained(write_encoder_config(tmp_path))).eval()
    holder = getattr(model, "vision_model", model)
    holder.load_state_dict(weights)
    expected = model(IMAGES, output_hidden_states=True).hidden_states
    states = released_forward.clip(weights, IMAGES, ENCODER_SIZES["clip", "tiny"].heads)
    assert len(states) == len(expected) == 4
    for said, reference in zip(states, expected, strict=True):
        torch.testing.assert_close(said, reference, **CLOSE)


@torch.no_grad()
def test_a_released_pythia_without_an_image_is_gpt_neox():
    weights, said = float32("pythia"), config("pythia")
    logits = released_forward.logits(weights, said, IDS)
    model = GPTNeoXForCausalLM(GPTNeoXConfig(**said)).eval()
    model.get_input_embeddings().load_state_dict({"weight": weights.pop("gpt_neox.embed_in.weight")})
    model.get_output_embeddings().load_state_dict({"weight": weights.pop("embed_out.weight")})
    found = model.gpt_neox.load_state_dict(part(weights, "gpt_neox"), strict=False)
    assert (found.missing_keys, found.unexpected_keys) == (["embed_in.weight"], [])
    torch.testing.assert_close(logits, model(IDS).logits, **CLOSE)


def mamba_of_transformers(weights):
    size = LANGUAGE_SIZES["mamba", "tiny"]
    model = Mamba(MambaConfig(vocab_size=size.rows, hidden_size=size.width, num_hidden_layers=size.layers)).eval()
    renamed = {key.replace("backbone.embedding.", "backbone.embeddings."): value for key, value in weights.items()}
    found = model.load_state_dict(
        {key: value for key, value in renamed.items() if not key.startswith("vision")}, strict=False
    )
    assert set(found.missing_keys) <= {"lm_head.weight"}
    model.tie_weights()
    return model, found.unexpected_keys


@torch.no_grad()
def test_a_released_mamba_of_rms_norms_without_an_image_is_transformers():
    weights = float32("mamba", norm="rms")
    model, unexpected = mamba_of_transformers(weights)
    assert not unexpected
    torch.testing.assert_close(released_forward.logits(weights, config("mamba"), IDS), model(IDS).logits, **CLOSE)


@torch.no_grad()
def test_a_released_mamba_of_layer_norms_is_transformers_with_the_norms_of_torch():
    weights = float32("mamba")
    model, unexpected = mamba_of_transformers(weights)
    assert len(unexpected) == 4  # the biases of the norms
    for holder, name, key in [
        *((layer, "norm", f"backbone.layers.{index}.norm") for index, layer in enumerate(model.backbone.layers)),
        (model.backbone, "norm_f", "backbone.norm_f"),
    ]:
        norm = torch.nn.LayerNorm(36, eps=1e-5)
        norm.load_state_dict(part(weights, key))
        setattr(holder, name, norm)
    torch.testing.assert_close(released_forward.logits(weights, config("mamba"), IDS), model(IDS).logits, **CLOSE)


def test_the_block_of_an_image_has_the_length_of_the_paper():
    for side, tokens in {16: 273, 24: 601, 32: 1057, 40: 1641}.items():
        block = released_forward.image_ids(side, side)
        assert len(block) == tokens
        assert block.count(-200) == side**2
    assert released_forward.image_ids(2, 3) == [4118, -200, -200, -200, 10494, -200, -200, -200, 4118]


def test_orders_put_the_image_before_or_after_the_first_turn():
    turns, block = [[11, 12], [13]], released_forward.image_ids(2, 2)
    assert released_forward.prompt_ids(turns, 2, 2).tolist() == [[*block, 11, 12, 13]]
    assert released_forward.prompt_ids(turns, 2, 2, "task-aware").tolist() == [[11, 12, *block, 13]]


@torch.no_grad()
@pytest.mark.parametrize("family", ["mamba", "pythia"])
@pytest.mark.parametrize("encoder", ["eva", "clip"])
def test_patches_stand_in_raster_order_where_the_prompt_keeps_places_for_them(family, encoder, tmp_path):
    """By hand: the same embeddings, one patch after the other, through the same language model."""
    weights = float32(family, encoder)
    name = str(write_encoder_config(tmp_path / "clip")) if encoder == "clip" else None
    said = config(family, encoder=encoder, vision_name=name)
    ids = released_forward.prompt_ids([[310, 4], [5, 6, 7]], 4, 4, "task-aware")
    patches = released_forward.connected(weights, released_forward.features(weights, said, IMAGES[:1]))[0]
    table = weights["backbone.embedding.weight" if family == "mamba" else "gpt_neox.embed_in.weight"]
    rows = iter(patches)
    embedded = torch.stack([next(rows) if token == -200 else table[token] for token in ids[0].tolist()])[None]
    if family == "mamba":
        expected = released_forward.mamba(weights, embedded) @ table.T
    else:
        expected = released_forward.pythia(weights, said, embedded) @ weights["embed_out.weight"].T
    torch.testing.assert_close(released_forward.logits(weights, said, ids, IMAGES[:1]), expected, **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("family", ["mamba", "pythia"])
@pytest.mark.parametrize("encoder", ["eva", "clip"])
def test_every_weight_that_is_used_has_a_say(family, encoder, tmp_path):
    """A reader that leaves one out, or takes one for another, cannot come to the same logits."""
    name = str(write_encoder_config(tmp_path / "clip")) if encoder == "clip" else None
    said, weights = config(family, encoder=encoder, vision_name=name), float32(family, encoder)
    ids = released_forward.prompt_ids([[310, 4, 5]], 4, 4)
    known = released_forward.logits(weights, said, ids, IMAGES[:1])
    silent = {
        key
        for key in weights
        if (released_forward.logits(weights | {key: weights[key].flip(0) * 1.5}, said, ids, IMAGES[:1]) - known)
        .abs()
        .max()
        < 1e-4
    }
    behind_the_selected_layer = {
        key for key in weights if "post_layernorm" in key or (encoder == "clip" and "encoder.layers.2." in key)
    }
    shifts_all_scores_alike = {key for key in weights if key.endswith("self_attn.k_proj.bias")}
    assert behind_the_selected_layer <= silent
    assert silent <= behind_the_selected_layer | shifts_all_scores_alike


@torch.no_grad()
def test_buffers_of_older_files_change_nothing():
    weights, said = float32("pythia"), config("pythia")
    expected = released_forward.logits(weights, said, IDS)
    assert torch.equal(released_forward.logits(weights | buffers(), said, IDS), expected)
