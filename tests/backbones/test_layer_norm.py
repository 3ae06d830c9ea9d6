"""The LayerNorm form of Mamba: the names and the arithmetic of the released Mamba-VL models."""

import pytest
import torch

from backbones import ModelError, load
from backbones.layer_norm import EPS, use_layer_norm


def converted():
    model = load("tiny/mamba", vocabulary=40)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.copy_(torch.rand(parameter.shape, generator=generator) + 0.5)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    use_layer_norm(model)
    return model.eval(), before


def test_every_norm_gains_a_bias_of_zeros_and_nothing_else_changes():
    model, before = converted()
    after = dict(model.named_parameters())
    gained = after.keys() - before.keys()
    layers = range(model.config.num_hidden_layers)
    assert gained == {f"backbone.layers.{n}.norm.bias" for n in layers} | {"backbone.norm_f.bias"}
    assert all(not after[name].any() and after[name].requires_grad for name in gained)
    assert all(torch.equal(after[name], weight) for name, weight in before.items())


def test_features_are_centred_and_scaled_as_layer_norm_says():
    model, _ = converted()
    norm = model.backbone.layers[0].norm
    with torch.no_grad():
        norm.bias.copy_(torch.arange(64.0))
    x = torch.randn(2, 5, 64, generator=torch.Generator().manual_seed(1)) * 3 + 2
    centred = x - x.mean(-1, keepdim=True)
    expected = norm.weight * centred / (centred.pow(2).mean(-1, keepdim=True) + EPS).sqrt() + norm.bias
    torch.testing.assert_close(norm(x), expected)
    assert EPS == 1e-5


def test_a_whole_model_is_blocks_behind_layer_norms():
    model, _ = converted()
    ids = torch.randint(0, 40, (2, 7), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        x = model.backbone.embeddings(ids)
        for block in model.backbone.layers:
            x = x + block.mixer(torch.nn.functional.layer_norm(x, (64,), block.norm.weight, block.norm.bias, 1e-5))
        norm = model.backbone.norm_f
        expected = torch.nn.functional.layer_norm(x, (64,), norm.weight, norm.bias, 1e-5)
        found = model.backbone(ids, use_cache=False).last_hidden_state
    torch.testing.assert_close(found, expected)


def test_the_residual_is_of_the_type_of_the_parameters():
    model, _ = converted()
    assert model.config.residual_in_fp32 is False
    seen = []
    model = model.to(torch.bfloat16)
    for block in model.backbone.layers:
        block.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    model(torch.zeros(1, 3, dtype=torch.int64), use_cache=False)
    assert set(seen) == {torch.bfloat16}
    seen.clear()
    plain = load("tiny/mamba", vocabulary=40).to(torch.bfloat16)
    plain.backbone.layers[0].register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    plain(torch.zeros(1, 3, dtype=torch.int64), use_cache=False)
    assert seen == [torch.float32], "RMSNorm with a residual in float32 is the default"


def test_a_transformer_has_no_such_form():
    with pytest.raises(ModelError, match="gpt_neox has no RMSNorm"):
        use_layer_norm(load("tiny/pythia", vocabulary=40))
