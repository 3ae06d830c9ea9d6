"""The official tool's own words of captions, and programs that stand in for Java."""

import os
import shutil
import stat
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from said_captions import said_captions

PATH = os.environ["PATH"]
"""With the real `java`, where there is one."""


@contextmanager
def with_java():
    """Takes back what keeps other tests from running it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", PATH)
        yield


@pytest.fixture(autouse=True)
def java(no_java):
    with with_java():
        yield


@pytest.fixture(scope="session")
def official(no_java):
    """1,200 captions and their references, and the words that the official tool makes of them, by picture."""
    if not shutil.which("java", path=PATH):
        pytest.skip("the official tokenizer needs Java")
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    captions, references = said_captions(1200)

    def words(texts):
        return PTBTokenizer().tokenize({n: [{"caption": one} for one in some] for n, some in enumerate(texts)})

    with with_java():
        said, true = words([one] for one in captions), words(references)
    return SimpleNamespace(captions=captions, references=references, said=said, true=true)


@pytest.fixture
def stand_in_java(tmp_path, monkeypatch):
    """Puts a program in Python in the place of `java`: `version` is what it says it is, `body` what it does."""

    def put(body, version="11.0.2"):
        folder = tmp_path / f"java-{version}"
        folder.mkdir()
        program = folder / "java"
        program.write_text(
            f"#!{sys.executable}\nimport json, os, sys\n"
            f"if sys.argv[1:] == ['-version']:\n"
            f"    sys.exit(print('openjdk version \"{version}\" 2018-10-16', file=sys.stderr))\n{body}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(folder))
        return program

    return put
