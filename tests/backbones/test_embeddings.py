"""Enlarging the vocabulary: old rows keep their bits, new ones are a function of their seed."""

import pytest
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from backbones import load
from backbones.embeddings import enlarge


def untied():
    torch.manual_seed(11)
    config = GPTNeoXConfig(
        vocab_size=300, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    model = GPTNeoXForCausalLM(config)
    with torch.no_grad():  # rows with a mean and a scale of their own in every dimension
        for weight in both_ends(model):
            weight.copy_(torch.randn(300, 32) * torch.rand(32) + torch.randn(32))
    return model


MAKERS = {
    "untied": untied,
    "pythia": lambda: load("tiny/pythia", vocabulary=300),
    "mamba": lambda: load("tiny/mamba", vocabulary=300),
}


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


def both_ends(model):
    return model.get_input_embeddings().weight.detach(), model.get_output_embeddings().weight.detach()


def test_old_rows_keep_their_bits_and_so_does_everything_else(make):
    before = {key: value.clone() for key, value in make().state_dict().items()}
    model = make()
    assert enlarge(model, rows=17, seed=0) == 300
    for key, value in model.state_dict().items():
        assert torch.equal(value[:300] if value.shape[:1] == (317,) else value, before[key]), key
    assert [weight.shape[0] for weight in both_ends(model)] == [317, 317]
    assert model.config.vocab_size == 317


def test_another_seed_changes_the_new_rows_alone(make):
    models = [make() for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        enlarge(model, rows=17, seed=seed)
    for first, again, other in zip(*map(both_ends, models), strict=True):
        assert torch.equal(first, again)
        assert torch.equal(first[:300], other[:300])
        assert not (first[300:] == other[300:]).any()


def test_tied_matrices_stay_one(make):
    model = make()
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    enlarge(model, rows=5, seed=0)
    assert (model.get_input_embeddings().weight is model.get_output_embeddings().weight) == tied


def test_matched_rows_have_the_mean_and_scale_of_the_old_ones():
    model = untied()
    enlarge(model, rows=4000, seed=0)
    for weight in both_ends(model):
        old, new = weight[:300], weight[300:]
        assert torch.allclose(new.mean(dim=0), old.mean(dim=0), atol=0.1)
        assert torch.allclose(new.std(dim=0), old.std(dim=0), rtol=0.1, atol=0.01)


def test_normal_rows_have_mean_0_and_scale_2_per_cent_whatever_the_old_ones_are():
    model = untied()
    enlarge(model, rows=4000, seed=0, new_rows="normal")
    for weight in both_ends(model):
        assert abs(weight[300:].mean()) < 1e-3
        assert abs(weight[300:].std() - 0.02) < 1e-3


def test_the_global_generator_is_left_alone(make):
    model = make()
    before = torch.get_rng_state()
    enlarge(model, rows=5, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
