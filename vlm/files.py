"""What a file is known by, and files that are there whole or not at all."""

import hashlib
import os
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex digits. The file may be larger than memory.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def beside(path: Path) -> Path:
    """Where a file is written before it takes its place: another for each process, as two may write the same one."""
    return path.with_name(f"{path.name}.{os.getpid()}.partial")


def replace_text(path: Path, text: str) -> None:
    """Writes a file of text in one step: no reader finds a part of it."""
    partial = beside(path)
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
