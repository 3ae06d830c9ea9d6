"""What the tests of the vision-language model share: two small worlds, drawn once."""

from pathlib import Path

import pytest
from small_world import small_world, uneven_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_world(tmp_path_factory.mktemp("drawn") / "world")


@pytest.fixture(scope="session")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return uneven_world(tmp_path_factory.mktemp("drawn") / "uneven")
