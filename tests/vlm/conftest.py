"""What the tests of the vision-language model share: two small worlds, drawn once, and the command line."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_world import small_world, uneven_world

from vlm.cli import main


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_world(tmp_path_factory.mktemp("drawn") / "world")


@pytest.fixture(scope="session")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return uneven_world(tmp_path_factory.mktemp("drawn") / "uneven")


@pytest.fixture(scope="session", autouse=True)
def no_java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """A `java` that does not run in front of the PATH: METEOR takes seconds a benchmark, and its own tests have it."""
    folder = tmp_path_factory.mktemp("no java")
    (folder / "java").symlink_to("/bin/false")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield patch


@pytest.fixture
def vlm(tmp_path, monkeypatch, capfd):
    """Types `vlm` and these arguments in an empty folder, in this process: code, stdout and stderr. Commands
    change what SIGTERM does; afterwards it does what it did."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def typed(*arguments, stdin=""):
        monkeypatch.setattr(sys, "argv", ["vlm", *map(str, arguments)])
        given = io.StringIO(stdin) if isinstance(stdin, str) else io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
        monkeypatch.setattr(sys, "stdin", given)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        return SimpleNamespace(code=ended.value.code, stdout=said.out, stderr=said.err)

    before = signal.getsignal(signal.SIGTERM)
    yield typed
    signal.signal(signal.SIGTERM, before)
