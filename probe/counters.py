"""Random numbers that are a function of a key and a counter: splitmix64 as integer arithmetic on tensors.

There is no generator and no state, so that the same numbers come out on every device, in any order and for any batch.
"""

import hashlib

import torch
from torch import Tensor

# The constants of splitmix64 (Steele, Lea and Flood, 2014), as the signed integers that torch holds.
_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_MIX_1 = 0xBF58476D1CE4E5B9 - 2**64
_MIX_2 = 0x94D049BB133111EB - 2**64


def key_of(text: str) -> int:
    """A signed 64-bit number for one use of randomness, which the text names."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def draw(key: int, counters: Tensor, lanes: int) -> Tensor:
    """n x lanes, int64: a 64-bit number for each (counter, lane): a splitmix64 stream for each of the n counters."""
    streams = mix(counters * _GOLDEN + key)
    return mix(streams[:, None] + torch.arange(1, lanes + 1, device=counters.device) * _GOLDEN)


def below(limit: int, drawn: Tensor) -> Tensor:
    """Numbers from 0 to limit - 1 out of 64-bit ones. The limit is small, so that all are as good as equally likely."""
    return _shift(drawn, 11) % limit


def mix(x: Tensor) -> Tensor:
    """The finaliser of splitmix64. int64 products wrap; the shifts must not carry the sign."""
    x = (x ^ _shift(x, 30)) * _MIX_1
    x = (x ^ _shift(x, 27)) * _MIX_2
    return x ^ _shift(x, 31)


def _shift(x: Tensor, bits: int) -> Tensor:
    return (x >> bits) & ((1 << (64 - bits)) - 1)
