"""What `vlm import` and `vlm export` do where they refuse: a sentence, and every file is as it was."""

from pathlib import Path
from typing import Any


def everything(folder: Path) -> dict[Path, bytes]:
    """Names and bytes of all files below a folder."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refused(vlm: Any, folder: Path, *arguments: object, command: str = "import") -> str:
    """The sentence of a command that must fail, and leave everything as it was."""
    before, paths = everything(folder.parent), list(folder.parent.iterdir())
    out: tuple[object, ...] = ("--out", folder.parent / "out") if "--out" not in arguments else ()
    typed = vlm(command, folder, *out, *arguments)
    assert typed.code == 2 and typed.stdout == "", typed
    assert typed.stderr.count("\n") == 1, typed.stderr
    assert typed.stderr.endswith(".\n"), typed.stderr
    assert "Traceback" not in typed.stderr, typed.stderr
    assert everything(folder.parent) == before, "files were changed"
    left = [path for path in folder.parent.iterdir() if path not in paths]
    assert not left, left
    return str(typed.stderr)
