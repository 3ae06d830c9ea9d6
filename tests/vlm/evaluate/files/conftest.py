"""What the tests of files share: a machine without Java, which would be started for every file of captions."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def without_java() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        yield
