"""Examples of one picture and task in one sample (paper, appendix A.3).

The paper says at most how many; its public implementation puts fewer questions of Visual7W together (reference-facts,
5.4). Data sets that are not named here have no limit: what does not fit into `max_length` is left out in training.
"""

import heapq
import itertools
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, TypeVar

T = TypeVar("T")

LIMITS: dict[str, int] = {
    "vqa_v2": 20,
    "gqa": 20,
    "visual_genome": 10,
    "visual7w telling": 10,
    "visual7w pointing": 5,
}
PUBLISHED: dict[str, int] = {**LIMITS, "visual7w telling": 3, "visual7w pointing": 3}

RUN = 50_000
"""Items that `sorted_by` holds in memory."""


def limit_of(source: str, as_published: bool) -> int | None:
    """Most questions or regions of a sample of this source; None without a limit."""
    return (PUBLISHED if as_published else LIMITS).get(source)


def packs(items: Iterable[T], key: Callable[[T], Any], most: int | None) -> Iterator[list[T]]:
    """Neighbours with the same key, together, and no more than `most` of them."""
    for _, group in itertools.groupby(items, key):
        whole = iter(group)
        while pack := list(itertools.islice(whole, most)):
            yield pack


def joined(first: Iterable[T], second: Iterable[T], key: Callable[[T], Any]) -> Iterator[tuple[T, T | None]]:
    """Each of the first with the one of the second that has its key; None where there is none.

    Both are read side by side: what is held in memory is as much as their orders differ.
    """
    ahead: dict[Any, T] = {}
    others = iter(second)
    for one in first:
        wanted = key(one)
        while wanted not in ahead and (other := next(others, None)) is not None:
            ahead[key(other)] = other
        yield one, ahead.pop(wanted, None)


def sorted_by(items: Iterable[T], key: Callable[[T], Any]) -> Iterator[T]:
    """All items in the order of their keys, and as they came where keys are equal; more of them than fit into memory.

    Sorted runs lie in files of the system's temporary folder meanwhile.
    """
    waiting = iter(items)
    with tempfile.TemporaryFile() as file:
        ends = [0]
        while run := sorted(itertools.islice(waiting, RUN), key=key):
            for item in run:
                pickle.dump(item, file, pickle.HIGHEST_PROTOCOL)
            ends.append(file.tell())
        yield from heapq.merge(*(_read(file, start, end) for start, end in itertools.pairwise(ends)), key=key)


def _read(file: IO[bytes], start: int, end: int, together: int = 256) -> Iterator[Any]:
    """A run of a file that others are read from too."""
    while start < end:
        file.seek(start)
        some: list[Any] = []
        while file.tell() < end and len(some) < together:
            some.append(pickle.load(file))
        start = file.tell()
        yield from some
