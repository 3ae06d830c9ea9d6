"""A config.json that says anything at all is believed, or refused in a sentence; never more than that."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from released_models import config, write
from released_shapes import ENCODERS, FAMILIES
from transformers import AutoConfig

from backbones import ModelError
from training.config import ConfigError
from vlm.released.declaration import PUBLIC_ROWS, read_declared
from vlm.released.importing import read_released

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
SETTINGS = sorted({*config("mamba"), *config("pythia"), "rope_scaling", "rope_parameters", "rope_theta"})


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One of each class."""
    place = tmp_path_factory.mktemp("released")
    classes = [(family, encoder) for family in FAMILIES for encoder in ENCODERS]
    return [write(place / f"{family}-{encoder}", family, encoder) for family, encoder in classes]


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """A name that no folder has is not looked for on the hub."""
    read = AutoConfig.from_pretrained

    def of_folder(source):
        if not Path(source).is_dir():
            raise OSError(f"no connection to ask for {source}")
        return read(source)

    monkeypatch.setattr(AutoConfig, "from_pretrained", of_folder)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(range(4)), st.dictionaries(st.sampled_from(SETTINGS), values, min_size=1, max_size=2))
def test_settings_of_any_kind_are_refused_or_believed(folders, which, changes):
    released = folders[which]
    (released.folder / "config.json").write_text(json.dumps(released.config | changes))
    try:
        read_released(released.folder)
    except (ConfigError, ModelError) as error:
        assert "\n" not in str(error)
        assert str(error).endswith(".")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_a_file_of_any_kind_is_refused_or_read(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    try:
        assert isinstance(read_declared(tmp_path), dict)
    except ConfigError as error:
        assert "\n" not in str(error)


def test_the_rows_of_mamba_are_those_of_the_facts():
    assert config("mamba")["vocab_size"] == PUBLIC_ROWS
