"""What only config.json says of a Pythia is read under every name that it has had, and refused where it cannot be."""

import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from released_models import write

from backbones import ModelError
from training.config import ConfigError
from vlm.released.importing import read_released

PLAIN = {"rope_type": "default", "partial_rotary_factor": 0.25, "rope_theta": 10_000}


def rotary(folder, **configured):
    """What becomes of the rotary settings of a Pythia."""
    write(folder, "pythia", configured=configured)
    parameters = read_released(folder).model.config.language["rope_parameters"]
    return parameters["rope_type"], parameters["partial_rotary_factor"], parameters["rope_theta"]


@pytest.mark.parametrize(
    ("configured", "share", "base"),
    [
        ({}, 0.25, 10_000),
        ({"rotary_emb_base": None}, 0.25, 10_000),
        ({"rotary_pct": None, "rotary_emb_base": None, "rope_parameters": PLAIN}, 0.25, 10_000),
        ({"rope_parameters": PLAIN}, 0.25, 10_000),
        ({"rope_parameters": None}, 0.25, 10_000),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": None}}, 0.25, 10_000),
        ({"rotary_pct": None, "partial_rotary_factor": 0.5}, 0.5, 10_000),
        ({"rotary_pct": None, "rope_parameters": PLAIN | {"partial_rotary_factor": 1}}, 1, 10_000),
        ({"rotary_emb_base": None, "rope_theta": 500_000.0}, 0.25, 500_000),
        ({"rotary_emb_base": None, "rope_parameters": {"rope_theta": 500_000}}, 0.25, 500_000),
    ],
)
def test_rotary_settings_are_read_under_each_of_their_names(tmp_path, configured, share, base):
    assert rotary(tmp_path, **configured) == ("default", share, base)


REFUSED = {
    "linear positions": (
        {"rope_parameters": {"rope_type": "linear", "factor": 4, "rope_theta": 500_000}},
        "has rope_parameters of type 'linear', and released models have the default alone",
    ),
    "an older word for the type": ({"rope_parameters": {"type": "yarn"}}, "has rope_parameters of type 'yarn'"),
    "a factor": ({"rope_parameters": PLAIN | {"factor": 4}}, "has 'factor' in rope_parameters"),
    "parameters without names": ({"rope_parameters": [0.25]}, r"has rope_parameters \[0.25\], which say nothing"),
    "two shares": (
        {"partial_rotary_factor": 0.5},
        "has rotary_pct 0.25 and partial_rotary_factor 0.5, which are names of one setting: correct what is wrong",
    ),
    "another share within": (
        {"rope_parameters": PLAIN | {"partial_rotary_factor": 0.5}},
        r"has rotary_pct 0.25 and rope_parameters\.partial_rotary_factor 0.5",
    ),
    "two bases": (
        {"rope_parameters": {"rope_theta": 500_000}},
        r"has rotary_emb_base 10000 and rope_parameters\.rope_theta 500000",
    ),
    "no share": ({"rotary_pct": None}, "lacks rotary_pct, which the weights do not tell"),
    "more than a head": ({"rotary_pct": 5.0}, "has rotary_pct 5.0, which is not a share of a head"),
    "nothing of a head": ({"rotary_pct": 0}, "has rotary_pct 0, which is not a share"),
    "a share in words": ({"rotary_pct": "a lot"}, "has rotary_pct 'a lot', which is not a share"),
    "a share that is true": ({"rotary_pct": True}, "has rotary_pct True, which is not a share"),
    "an odd number": ({"rotary_pct": 0.2}, "has rotary_pct 0.2, which turns 3 of 16 numbers of a head"),
    "too little": ({"rotary_pct": 0.01}, "has rotary_pct 0.01, which turns 0 of 16 numbers of a head"),
    "a base in words": ({"rotary_emb_base": "x"}, "has rotary_emb_base 'x', which is not a positive number"),
    "a negative base": ({"rotary_emb_base": -1}, "has rotary_emb_base -1, which is not a positive number"),
    "no end of a base": ({"rotary_emb_base": float("inf")}, "has rotary_emb_base inf, which is not a positive number"),
    "heads that do not divide": (
        {"num_attention_heads": 3},
        "num_attention_heads is 3, and no whole number of heads that divides the width of 32",
    ),
    "no head": ({"num_attention_heads": 0}, "num_attention_heads is 0, and no whole number of heads"),
    "heads as a text": ({"num_attention_heads": "2"}, "num_attention_heads is '2', and no whole number of heads"),
    "an unknown activation": ({"hidden_act": "foo"}, "transformers has no hidden_act 'foo'.*: correct hidden_act"),
    "an activation that is a number": ({"hidden_act": 5}, "Field 'hidden_act' expected str"),
    "a setting of another kind": ({"layer_norm_eps": "x"}, "Field 'layer_norm_eps' expected float"),
    "attention without biases": (
        {"attention_bias": False},
        "has attention_bias false and the weights have biases of attention: correct attention_bias",
    ),
    "an output that is tied and is not": (
        {"tie_word_embeddings": True},
        r"config.json has tie_word_embeddings true, and embed_out\.weight in .* is an output of its own",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_no_pythia_can_have_are_refused_by_their_name(tmp_path, case):
    configured, sentence = REFUSED[case]
    write(tmp_path, "pythia", configured=configured)
    with pytest.raises(ConfigError, match=sentence) as caught:
        read_released(tmp_path)
    assert "config.json" in str(caught.value)


def test_attention_with_biases_that_are_not_there_is_refused(tmp_path):
    biases = [f"gpt_neox.layers.{n}.attention.{part}.bias" for n in range(3) for part in ("dense", "query_key_value")]
    write(tmp_path, "pythia", weights=dict.fromkeys(biases))
    with pytest.raises(ConfigError, match="has attention_bias true and the weights have no biases of attention"):
        read_released(tmp_path)
    write(tmp_path, "pythia", weights=dict.fromkeys(biases), configured={"attention_bias": False})
    assert not read_released(tmp_path).model.config.language["attention_bias"]


@pytest.fixture(scope="module")
def pythia(tmp_path_factory):
    return write(tmp_path_factory.mktemp("pythia"), "pythia")


numbers = st.floats() | st.integers() | st.sampled_from([0.125, 0.25, 0.5, 1, 10_000])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["rotary_pct", "rotary_emb_base", "num_attention_heads"]), numbers)
def test_a_model_that_is_let_in_answers_with_the_numbers_it_was_given(pythia, name, number):
    (pythia.folder / "config.json").write_text(json.dumps(pythia.config | {name: number}))
    try:
        model = read_released(pythia.folder).model
    except (ConfigError, ModelError) as error:
        assert str(error).endswith(".")
        return
    width, positions = model.language_model.config.hidden_size, torch.arange(3, device="meta")[None]
    hidden = model.language_model.gpt_neox(
        inputs_embeds=torch.zeros(1, 3, width, device="meta"), position_ids=positions
    ).last_hidden_state
    assert hidden.shape == (1, 3, width)
