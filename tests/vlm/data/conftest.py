"""What the tests of the whole mixture share: all data sets below one root, and what is prepared of them."""

import sys
from pathlib import Path

import pytest
from small_data_sets import add_overlaps, plan_of, write_all

from vlm.cli import main
from vlm.data.prepare import prepare


@pytest.fixture(scope="session")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All data sets, with test pictures in some that are trained on."""
    return add_overlaps(write_all(tmp_path_factory.mktemp("of all") / "root"))


def prepared(data_sets: Path, name: str, **changes: bool) -> Path:
    out = data_sets.parent / name
    prepare(plan_of("instruct", **changes), data_sets, out)
    return out


@pytest.fixture(scope="session")
def instruct(data_sets: Path) -> Path:
    """`vlm prepare instruct`."""
    return prepared(data_sets, "instruct")


@pytest.fixture(scope="session")
def kept(data_sets: Path) -> Path:
    """`vlm prepare instruct --keep-contaminated`."""
    return prepared(data_sets, "kept", keeps_contaminated=True)


@pytest.fixture(scope="session")
def published(data_sets: Path) -> Path:
    """`vlm prepare instruct --as-published`, as it is typed."""
    out = data_sets.parent / "published"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        typed = ("vlm", "prepare", "instruct", "--as-published", "--root", data_sets, "--out", out)
        patch.setattr(sys, "argv", [*map(str, typed)])
        main()
    assert ended.value.code == 0
    return out
