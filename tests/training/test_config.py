"""Configs refuse what cannot work, survive JSON, and name their run by everything they say."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import small_config

from probe.config import ProbeConfig
from training.config import ConfigError, Optimisation, from_dict, identity, to_dict


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning_rate": 0.0}, "learning rate must be a positive number"),
        ({"learning_rate": float("nan")}, "learning rate must be a positive number"),
        ({"learning_rate": float("inf")}, "learning rate must be a positive number"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"micro_batch": 0}, "micro_batch must be at least 1"),
        ({"steps": 5, "evaluations": 6}, "do not fit into 5 steps"),
        ({"schedule": "linear"}, "schedule must be one of"),
        ({"precision": "fp16"}, "precision must be one of"),
        ({"warmup": 1.0}, "warmup is a share"),
        ({"warmup": float("nan")}, "warmup is a share"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"clip": 0.0}, "clip must be positive"),
        ({"betas": (0.9, 1.0)}, "betas"),
    ],
)
def test_impossible_values_are_refused_in_a_sentence(settings, said):
    with pytest.raises(ConfigError, match=said):
        Optimisation(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"threshold": 0.0}, "threshold"),
        ({"threshold": 1.01}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"held_out_examples": 5}, "take at least 6"),
        ({"train_examples": 7}, "do not fill a batch of 8"),
        ({"supervision": "all"}, "supervision must be one of"),
        ({"supervision": "from-target"}, "choose the prefix order"),
        ({"new_rows": "zero"}, "new_rows must be one of"),
        ({"base_vocabulary": 100}, "base_vocabulary"),
    ],
)
def test_impossible_runs_are_refused_in_a_sentence(settings, said):
    with pytest.raises(ConfigError, match=said):
        small_config(**settings)


def test_a_config_survives_json():
    config = small_config(pool=9, betas=(0.8, 0.99), micro_batch=4)
    assert from_dict(ProbeConfig, json.loads(json.dumps(to_dict(config)))) == config


def test_unknown_and_missing_settings_and_wrong_types_are_refused():
    good = to_dict(small_config())
    for damage, said in [
        (lambda d: d.update(colour="blue"), "unknown setting colour"),
        (lambda d: d.pop("threshold"), "missing setting threshold"),
        (lambda d: d["optimisation"].update(steps="many"), "Optimisation.steps must be a int"),
        (lambda d: d["optimisation"].update(steps=True), "Optimisation.steps must be a int"),
        (lambda d: d.update(task=3), "must be a table of settings"),
    ]:
        bad = json.loads(json.dumps(good))
        damage(bad)
        with pytest.raises(ConfigError, match=said):
            from_dict(ProbeConfig, bad)


def test_the_identity_covers_every_setting():
    config = small_config()
    assert identity(config) == identity(small_config())
    others = {
        identity(small_config(**change))
        for change in [
            {"order": "prefix"},
            {"length": 7, "held_out_examples": 60},
            {"seed": 1},
            {"weight_seed": 1},
            {"init_seed": 1},
            {"steps": 13},
            {"threshold": 0.5},
            {"score_end": True},
            {"name": "tiny/mamba"},
        ]
    }
    assert len(others) == 9 and identity(config) not in others


def test_the_identity_is_what_it_was():
    """A changed default or a new setting changes it, and then no old run is taken for a new one."""
    assert identity(Optimisation()) == "73ab1517f308"


@given(st.integers(1, 3000), st.data())
def test_evaluations_are_even_and_the_last_is_at_the_end(steps, data):
    count = data.draw(st.integers(1, steps))
    at = Optimisation(steps=steps, evaluations=count).evaluation_steps()
    assert len(set(at)) == count and at == sorted(at) and at[0] >= 1 and at[-1] == steps
    gaps = {b - a for a, b in zip([0, *at], at, strict=False)}
    assert max(gaps) - min(gaps) <= 1


def test_configs_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        small_config().threshold = 0.5
