"""Loading: the pairs made here, folders that transformers saved, and everything that can be wrong with either."""

import pytest
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM, MambaConfig, MambaForCausalLM

from backbones import ModelError, load
from backbones.models import check, ledger
from backbones.pairs import FAMILIES, PARAMETERS, PRETRAINED, SCRATCH, SHIPPED, name_of, source_of

SMALL = {"vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 2}
MAKERS = {
    "pythia": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**SMALL, num_attention_heads=2, intermediate_size=64)),
    "mamba": lambda: MambaForCausalLM(MambaConfig(**SMALL)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SMALL, num_attention_heads=2, intermediate_size=64)),
}


@pytest.fixture(params=MAKERS)
def saved(request, tmp_path):
    """A model that transformers saved, its family and its folder."""
    torch.manual_seed(7)
    model = MAKERS[request.param]()
    model.save_pretrained(tmp_path / "model")
    return model, request.param, tmp_path / "model"


@pytest.mark.parametrize("pair", SCRATCH)
@pytest.mark.parametrize("vocabulary", [19, 403])
def test_the_two_models_of_a_pair_made_here_match(pair, vocabulary):
    pythia, mamba = (ledger(load(name_of(pair, family), vocabulary=vocabulary)) for family in FAMILIES)
    assert abs(pythia["parameters"] / mamba["parameters"] - 1) <= 0.05
    assert abs(pythia["parameters_beneath"] / mamba["parameters_beneath"] - 1) <= 0.05
    for equal in ("width", "rows_of_vocabulary", "tied", "parameters_of_vocabulary"):
        assert pythia[equal] == mamba[equal], equal


def test_pretrained_pairs_name_models_whose_size_is_known():
    for pair, families in PRETRAINED.items():
        assert families.keys() == set(FAMILIES)
        for family in FAMILIES if pair not in SHIPPED else ():
            assert PARAMETERS[source_of(f"{pair}/{family}")] > 1e8


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_come_from_the_seed_and_leave_the_global_generator_alone(family):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, again, other = (load(f"tiny/{family}", vocabulary=20, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_a_folder_loads_as_it_was_saved(saved):
    model, family, folder = saved
    loaded = load(str(folder))
    assert ledger(loaded)["family"] == family
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in model.state_dict().items())


def break_nothing_there(folder):
    for path in folder.iterdir():
        path.unlink()


def break_no_weights(folder):
    (folder / "model.safetensors").unlink()


def break_config(folder):
    (folder / "config.json").write_text("{not json")


def break_truncated(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def break_garbage(folder):
    (folder / "model.safetensors").write_bytes(b"\xff" * 5000)


def break_empty(folder):
    (folder / "model.safetensors").write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (break_nothing_there, "holds no model"),
        (break_no_weights, "no weights"),
        (break_config, "not a model that can be reached"),
        (break_truncated, "is broken"),
        (break_garbage, "not a safetensors file"),
        (break_empty, "not a safetensors file"),
    ],
)
def test_a_broken_folder_is_refused_without_loading_it(tmp_path, damage, said):
    MAKERS["mamba"]().save_pretrained(tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError, match=said):
        check(str(tmp_path))


def test_missing_weights_are_refused_and_not_drawn_at_random(tmp_path):
    model = MAKERS["mamba"]()
    state = {key: value for key, value in model.state_dict().items() if "layers.1.mixer.in_proj" not in key}
    model.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(ModelError, match=r"lacks 1 of its weights .*layers\.1\.mixer\.in_proj"):
        load(str(tmp_path))


def test_weights_that_are_not_numbers_are_refused(tmp_path):
    model = MAKERS["pythia"]()
    with torch.no_grad():
        model.get_output_embeddings().weight[0, 0] = torch.nan
    model.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="nan or infinite"):
        load(str(tmp_path))


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "nowhere", "a/b/c"])
def test_a_folder_that_does_not_exist_is_refused(name):
    with pytest.raises(ModelError, match="is no folder"):
        check(name)


def test_a_hub_name_out_of_reach_is_refused():
    with pytest.raises(ModelError, match="not a model that can be reached"):
        check("nobody/no-such-model")


@pytest.mark.parametrize(
    ("pair", "family", "said"), [("huge", "mamba", "pair must be"), ("tiny", "rnn", "family must be")]
)
def test_unknown_pairs_and_families_are_refused(pair, family, said):
    with pytest.raises(ModelError, match=said):
        name_of(pair, family)
