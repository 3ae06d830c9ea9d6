"""Chance that has no state: what is drawn is a function of the names given, and of nothing drawn before.

    stream("scene", 0, "train", 7)                 a generator of its own for each scene
    balanced((1, 2, 3, 4), 7, "count", 0, "train") the choice of index 7: any four indices from a multiple of four on
                                                   have all four choices, in an order that each block draws for itself

The second is how no answer becomes more likely than another: by exact turns, which cannot be foreseen.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def stream(*names: object) -> Random:
    """The generator of these names; other names have another one."""
    return Random("/".join(map(str, names)))


def balanced(choices: Sequence[T], index: int, *names: object) -> T:
    """The choice of an index: each is made once in every block of as many indices as there are choices."""
    block, offset = divmod(index, len(choices))
    return stream("balanced", *names, block).sample(choices, len(choices))[offset]
