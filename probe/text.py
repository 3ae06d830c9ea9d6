"""Real text to pretrain on, byte by byte: windows of files, each a function of its number.

tokens      n x length: byte + 2, behind the free ids
predictable n x length, bool: all but the first token
"""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from probe.counters import below, draw, key_of
from probe.language import LONGEST_SEQUENCE, Sequences, Split
from probe.task import FREE_IDS
from training.config import ConfigError, conform, require, require_choice

HELD_OUT_SHARE = 10
"""One byte in so many is held out: those at the end."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """Files of text, one behind the other.

    Args:
        files: paths; what counts for the identity of a run is their content as well.
        content: SHA-256 of the bytes; filled in by `read_text`.
        length: bytes of a sequence.
        seed: another seed draws other windows.
    """

    files: tuple[str, ...]
    content: str
    length: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        conform(self)
        require(
            2 <= self.length <= LONGEST_SEQUENCE,
            f"a sequence of text has 2 to {LONGEST_SEQUENCE:,} bytes, not {self.length}.",
        )

    @property
    def vocabulary(self) -> int:
        """Rows that a model of bytes needs."""
        return FREE_IDS + 256

    def sequences(self, split: Split, indices: Tensor, device: torch.device | str = "cpu") -> Sequences:
        """The windows with these indices, on `device`. Those of the two splits share no byte.

        Raises:
            ConfigError: a file cannot be read, has changed since the config was made, or all are too short.
        """
        require_choice("split", split, get_args(Split))
        held_out = split == "held-out"
        bytes_ = _bytes_of(self, torch.device(device))
        border = len(bytes_) - len(bytes_) // HELD_OUT_SHARE
        part = bytes_[border:] if held_out else bytes_[:border]
        indices = indices.to(device=device, dtype=torch.int64)
        key = key_of(f"text/{self.content}/{self.length}/{self.seed}/{split}")
        starts = below(len(part) - self.length + 1, draw(key, indices, 1))
        steps = torch.arange(self.length, device=indices.device)
        tokens = part[starts + steps].long() + FREE_IDS
        return Sequences(tokens, (steps > 0).expand_as(tokens))


def read_text(files: list[Path], length: int = 128, seed: int = 0) -> Text:
    """The config of these files as they are now.

    Raises:
        ConfigError: a file cannot be read, or all are too short for a held-out sequence.
    """
    text = Text(
        files=tuple(str(file.resolve()) for file in files),
        content=hashlib.sha256(_read(files)).hexdigest(),
        length=length,
        seed=seed,
    )
    _bytes_of(text, torch.device("cpu"))
    return text


@functools.cache
def _bytes_of(text: Text, device: torch.device) -> Tensor:
    """All bytes, read and sent to a device once in a process."""
    if device.type == "cpu":
        data = _read([Path(file) for file in text.files])
        require(
            hashlib.sha256(data).hexdigest() == text.content,
            f"{', '.join(text.files)} changed since this run was planned: restore them, or plan a new run.",
        )
        require(
            len(data) >= HELD_OUT_SHARE * text.length,
            f"{len(data):,} bytes of text are too few for sequences of {text.length}: "
            f"name files of {HELD_OUT_SHARE * text.length:,} bytes at least.",
        )
        return torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return _bytes_of(text, torch.device("cpu")).to(device)


def _read(files: list[Path]) -> bytes:
    try:
        return b"".join(file.read_bytes() for file in files)
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read as text: {error.strerror}.") from error
