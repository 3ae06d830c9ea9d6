"""First weights follow the published schemes, and the embeddings of both families start at one scale."""

import math

import pytest
import torch
from torch import nn

from backbones import load
from backbones.pairs import FAMILIES, SCRATCH

PAIRS = list(SCRATCH)


def is_normal(weight, std):
    """Mean and scale within five standard errors."""
    error = 5 * std / math.sqrt(weight.numel())
    return abs(weight.mean()) < error and abs(weight.std() - std) < error


def is_uniform(weight, bound):
    within = weight.abs().max() <= bound and weight.abs().max() > 0.97 * bound
    return within and abs(weight.std() - bound / math.sqrt(3)) < 5 * bound / math.sqrt(weight.numel())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pair", PAIRS)
def test_embeddings_of_both_families_start_at_the_same_scale(pair, family):
    model = load(f"{pair}/{family}", vocabulary=500)
    assert is_normal(model.get_input_embeddings().weight, 0.02)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


@pytest.mark.parametrize("pair", PAIRS)
def test_pythia_starts_from_small_init_and_wang_init(pair):
    model = load(f"{pair}/pythia", vocabulary=20)
    width, layers = model.config.hidden_size, model.config.num_hidden_layers
    for layer in model.gpt_neox.layers:
        for inner in (layer.attention.query_key_value, layer.mlp.dense_h_to_4h):
            assert is_normal(inner.weight, math.sqrt(2 / (5 * width)))
        for to_residual in (layer.attention.dense, layer.mlp.dense_4h_to_h):
            assert is_normal(to_residual.weight, 2 / (layers * math.sqrt(width)))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        if "norm" in name and name.endswith("weight"):
            assert (parameter == 1).all(), name


@pytest.mark.parametrize("pair", PAIRS)
def test_mamba_starts_as_its_authors_publish(pair):
    model = load(f"{pair}/mamba", vocabulary=20)
    layers = model.config.num_hidden_layers
    for layer in model.backbone.layers:
        mixer = layer.mixer
        inner, states = mixer.A_log.shape
        assert torch.allclose(-mixer.A_log.exp(), -torch.arange(1.0, states + 1).expand(inner, -1))
        assert (mixer.D == 1).all()
        step = nn.functional.softplus(mixer.dt_proj.bias)
        assert step.min() >= 0.001 * 0.999 and step.max() <= 0.1 * 1.001
        assert abs(step.log().mean() - math.log(0.01)) < 5 * (math.log(100) / math.sqrt(12 * inner))
        assert is_uniform(mixer.dt_proj.weight, mixer.time_step_rank**-0.5)
        assert is_uniform(mixer.in_proj.weight, mixer.hidden_size**-0.5)
        assert is_uniform(mixer.x_proj.weight, inner**-0.5)
        assert is_uniform(mixer.out_proj.weight, inner**-0.5 / math.sqrt(layers))
        assert is_uniform(mixer.conv1d.weight, mixer.conv_kernel_size**-0.5)
        assert is_uniform(mixer.conv1d.bias, mixer.conv_kernel_size**-0.5)
        assert (layer.norm.weight == 1).all()
