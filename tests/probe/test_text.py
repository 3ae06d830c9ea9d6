"""Text by the byte: windows of the files, apart for the two splits, and tied to what the files held."""

import pytest
import torch

from probe.text import read_text
from training.config import ConfigError


@pytest.fixture
def files(tmp_path):
    """A thousand bytes in two files; byte k is k modulo 251, so that a window says where it stood."""
    data = bytes(k % 251 for k in range(1_000))
    (tmp_path / "a").write_bytes(data[:300])
    (tmp_path / "b").write_bytes(data[300:])
    return [tmp_path / "a", tmp_path / "b"]


def test_a_window_is_a_stretch_of_the_files(files):
    text = read_text(files, length=20)
    for split in ("train", "held-out"):
        tokens, predictable = text.sequences(split, torch.arange(200))
        assert tokens.shape == (200, 20) and ((tokens[:, 1:] - tokens[:, :-1]) % 251 == 1).all()
        assert predictable[:, 1:].all() and not predictable[:, 0].any()
        assert torch.equal(tokens[[7, 3]], text.sequences(split, torch.tensor([7, 3])).tokens)


def test_the_last_tenth_is_held_out(files):
    text = read_text(files, length=20)
    # Bytes 900 to 999 are 147 to 246 modulo 251, and no other stretch of 20 in them starts elsewhere.
    held_out = text.sequences("held-out", torch.arange(500)).tokens - 2
    assert held_out.min() == 900 % 251 and held_out.max() == 999 % 251
    starts = text.sequences("train", torch.arange(5_000)).tokens[:, 0] - 2
    assert len(starts.unique()) == 251


def test_files_that_changed_are_noticed(files):
    text = read_text(files, length=20)
    other = read_text([files[0], files[1]], length=21)
    assert text.content == other.content
    files[1].write_bytes(b"x" * 700)
    changed = read_text(files, length=22)
    assert changed.content != text.content
    import probe.text

    probe.text._bytes_of.cache_clear()  # as in a later process
    with pytest.raises(ConfigError, match="changed since this run was planned"):
        text.sequences("train", torch.arange(1))


def test_files_that_cannot_be_used_are_refused(files, tmp_path):
    with pytest.raises(ConfigError, match="nowhere cannot be read as text: No such file"):
        read_text([tmp_path / "nowhere"])
    with pytest.raises(ConfigError, match="too few for sequences of 101"):
        read_text(files, length=101)
    with pytest.raises(ConfigError, match="2 to 16,384 bytes"):
        read_text(files, length=1)
