"""The language of repeated segments: pure, as its docstring says, and refused where it cannot be."""

import hashlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.language import Language
from training.config import ConfigError

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
splits = st.sampled_from(["train", "held-out"])


@st.composite
def languages(draw):
    shortest = draw(st.integers(1, 12))
    longest = draw(st.integers(shortest, 20))
    return Language(
        length=draw(st.integers(longest + 2, 64)),
        alphabet=draw(st.integers(2, 300)),
        shortest=shortest,
        longest=longest,
        seed=draw(st.integers(0, 1000)),
    )


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def second_implementation(language, split, index):
    """One sequence with plain integers, written from the docstring of probe/language.py."""
    settings_of = (language.length, language.alphabet, language.shortest, language.longest, language.seed)
    text = f"language/{'/'.join(map(str, settings_of))}/{split}"
    key = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
    start = mix((index * GOLDEN + key) & MASK)
    drawn = [mix((start + lane * GOLDEN) & MASK) >> 11 for lane in range(1, language.longest + 2)]
    size = language.shortest + drawn[0] % (language.longest - language.shortest + 1)
    segment = [2 + number % language.alphabet for number in drawn[1 : size + 1]]
    return [segment[t % size] for t in range(language.length)], [t > size for t in range(language.length)]


@settings(max_examples=60, deadline=None)
@given(languages(), splits, st.lists(st.integers(0, 2**40), min_size=1, max_size=6))
def test_sequences_are_a_function_of_their_number(language, split, indices):
    tokens, predictable = language.sequences(split, torch.tensor(indices))
    expected = [second_implementation(language, split, index) for index in indices]
    assert tokens.tolist() == [tokens_ for tokens_, _ in expected]
    assert predictable.tolist() == [where for _, where in expected]


@settings(max_examples=60, deadline=None)
@given(languages(), splits)
def test_what_is_predictable_follows_from_what_stands_before(language, split):
    tokens, predictable = language.sequences(split, torch.arange(8))
    assert tokens.min() >= 2 and tokens.max() < language.vocabulary
    for row, where in zip(tokens.tolist(), predictable.tolist(), strict=True):
        size = where.index(True) - 1
        assert language.shortest <= size <= language.longest
        assert all(row[t] == row[t - size] for t in range(size, len(row)))


def test_the_splits_and_seeds_have_nothing_in_common():
    def rows(split, seed):
        return {tuple(row) for row in Language(seed=seed).sequences(split, torch.arange(2_000)).tokens.tolist()}

    assert len(rows("train", 0)) == 2_000
    assert not rows("train", 0) & rows("held-out", 0)
    assert not rows("train", 0) & rows("train", 1)


def test_all_segment_lengths_and_tokens_are_about_equally_likely():
    tokens, predictable = Language().sequences("train", torch.arange(28_000))
    sizes = (~predictable).sum(dim=1) - 1
    counts = torch.bincount(sizes, minlength=20)[6:]
    assert counts.sum() == 28_000 and (counts - 2_000).abs().max() < 5 * 2_000**0.5
    firsts = torch.bincount(tokens[:, 0] - 2, minlength=128)
    assert len(firsts) == 128 and (firsts - 218.75).abs().max() < 5 * 218.75**0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"alphabet": 1}, "at least 2 tokens"),
        ({"shortest": 0}, "segments of 0 to 19"),
        ({"shortest": 20}, "segments of 20 to 19"),
        ({"length": 20}, "choose a length from 21"),
        ({"length": 20_000}, "choose a length from 21 to 16,384"),
        ({"length": "long"}, "length must be a whole number"),
    ],
)
def test_a_language_that_cannot_be_is_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        Language(**change)
