"""Short names of contents: 8 bytes stand for a text or a file of any length.

Among ten million contents, two of them share theirs by chance with a probability of 3 in a million.
"""

import hashlib
from pathlib import Path
from typing import Any

SIZE = 8
"""Bytes: those of a whole number in SQLite."""


def fingerprint(*parts: Any) -> int:
    """Of texts, numbers, and tuples of such: the same in every process."""
    return _whole(hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=SIZE).digest())


def fingerprint_of_file(path: Path) -> int:
    """Of the bytes in a file, whatever its name."""
    with open(path, "rb") as file:
        return _whole(hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=SIZE)).digest())


def _whole(digest: bytes) -> int:
    return int.from_bytes(digest, signed=True)
