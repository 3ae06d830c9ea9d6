"""Files of weights are read by their headers; whatever else they hold ends in a sentence."""

import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file

from training.config import ConfigError
from vlm.released.files import read_weights

SOUND = save({"a": torch.ones(2, 3), "b": torch.zeros(4, dtype=torch.bfloat16)})


def assert_refused_or_read(folder):
    """Nothing but one sentence may come of a file that is not sound."""
    try:
        weights = read_weights(folder)
        for weight in weights.values():
            assert tuple(weight.read().shape) == weight.shape
    except ConfigError as error:
        assert "\n" not in str(error)
        assert str(folder) in str(error)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused_or_read(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    assert_refused_or_read(tmp_path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(SOUND) - 1), st.integers(0, 255))
def test_a_byte_that_was_changed_does_no_harm(tmp_path, place, value):
    (tmp_path / "model.safetensors").write_bytes(SOUND[:place] + bytes([value]) + SOUND[place + 1 :])
    assert_refused_or_read(tmp_path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, len(SOUND) - 1))
def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path, length):
    (tmp_path / "model.safetensors").write_bytes(SOUND[:length])
    with pytest.raises(ConfigError, match=r"is broken|pointer"):
        read_weights(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(json_values | st.fixed_dictionaries({"weight_map": json_values}))
def test_an_index_of_any_kind_is_refused_or_read(tmp_path, content):
    save_file({"a": torch.ones(1)}, tmp_path / "model-00001-of-00001.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(content))
    assert_refused_or_read(tmp_path)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=200))
def test_pickles_of_any_kind_are_refused_or_read(tmp_path, content):
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    assert_refused_or_read(tmp_path)


def test_pickles_of_the_old_form_are_read(tmp_path):
    held = {"a": torch.randn(3)}
    torch.save(held, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert torch.equal(read_weights(tmp_path)["a"].read(), held["a"])


def test_a_pickled_parameter_is_its_tensor(tmp_path):
    parameter = torch.nn.Parameter(torch.randn(3))
    torch.save({"a": parameter}, tmp_path / "pytorch_model.bin")
    read = read_weights(tmp_path)["a"].read()
    assert not read.requires_grad
    assert torch.equal(read, parameter.detach())


def test_a_tensor_that_is_sparse_is_no_weight(tmp_path):
    torch.save({"a": torch.eye(3).to_sparse()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="holds other things than weights"):
        read_weights(tmp_path)
