"""Configs refuse what cannot work, survive JSON, and name their run by everything they say."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import small_config

from probe.config import ProbeConfig
from training.config import ConfigError, Optimisation, flatten, identity, to_dict


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


def test_a_config_is_json_to_the_last_setting():
    config = small_config(pool=9, betas=(0.8, 0.99), micro_batch=4)
    written = json.loads(json.dumps(to_dict(config)))
    assert written["optimisation"]["betas"] == [0.8, 0.99] and written["task"]["pool"] == 9
    names = {field.name for field in dataclasses.fields(ProbeConfig)}
    assert written.keys() == names, "defaults are written as well"
    assert flatten(written)["optimisation.micro_batch"] == 4


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": "many"}, "steps must be a whole number, not 'many'"),
        ({"steps": True}, "steps must be a whole number, not True"),
        ({"steps": 8.0}, "steps must be a whole number, not 8.0"),
        ({"learning_rate": "1e-3"}, "learning_rate must be a number"),
        ({"learning_rate": None}, "learning_rate must be a number"),
        ({"stop_at_threshold": 1}, "stop_at_threshold must be True or False"),
        ({"betas": (0.9,)}, "betas must be 2 values"),
        ({"name": 3}, "name must be a text"),
        ({"length": 6.5}, "length must be a whole number"),
    ],
)
def test_values_of_a_wrong_type_are_refused_in_a_sentence(settings, said):
    with pytest.raises(ConfigError, match=said):
        small_config(**settings)


def test_a_part_of_another_kind_is_refused():
    config = small_config()
    with pytest.raises(ConfigError, match="task must be a RetrievalTask"):
        dataclasses.replace(config, task=config.model)


def test_the_same_number_in_another_type_is_the_same_run():
    config = small_config(clip=1.0, steps=12)
    same = small_config(clip=1, steps=np.int64(12), seed=np.int32(0), threshold=np.float64(0.95))
    assert same == config and identity(same) == identity(config)


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
