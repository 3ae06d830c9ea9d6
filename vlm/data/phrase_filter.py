"""Which pairs of picture and caption are kept for their rare noun phrases (paper, appendix A, "Filtering GRIT";
reference-facts, 5.3): at 20 million pairs, in time that grows with their number and memory that hardly does.

A phrase that fewer than `rarest` pairs have is ignored. One that `rarest` to `most` have keeps all of them; one that
more have keeps `most` of them, drawn. What any phrase keeps is selected.

First, every phrase of every pair becomes a record of three numbers: hashes of phrase and draw, and the pair's place.
Those that are held in memory are sorted when it is full, cut to what may still matter, and laid down in partitions by
the hash of the phrase. Then the partitions are taken one by one; each holds all that there is of its phrases.

What may still matter of a phrase are the few pairs that come first in its draw, and one more than are kept, to know
that there are more. So a phrase that a tenth of all captions have takes no more room than a rare one does. The draw is
a hash of seed, phrase and pair, and the smallest win: neither the order of the pairs nor the partitions change it.

Sorting is of records that fit into memory, as many at a time however many there are in all: the whole stays linear.
`benchmarks.grit_filter` measures it: about 5 microseconds for a pair, and 90 MB at 20 million pairs.

Phrases are told apart by 64 bits. Of 10 million phrases, any two are the same then with a chance of
(10^7)^2 / 2^65 = 3 in a million, and would be counted as one.
"""

import hashlib
import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.config import require

ARTICLES = frozenset({"a", "an", "the", "some"})

HELD = 2**19
"""Records held in memory at once, of 24 bytes; sorting them takes about four times that."""

PHRASES = 4
"""Of a pair, at most in the mean: for the number of partitions, which should be smaller than what is held."""

Records = NDArray[np.uint64]
"""A row each: hash of the phrase, its draw of the pair, and the pair's place."""

PHRASE, DRAW, PAIR = range(3)


def phrase_of(caption: str, start: int, end: int) -> str:
    """A span of the caption as it is counted: lower-case, without articles, one space between words. May be empty."""
    return " ".join(word for word in caption[start:end].lower().split() if word not in ARTICLES)


def hash_of(text: str) -> int:
    """64 bits of a text, the same on all machines."""
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Selection:
    """The pairs that are kept, and how many phrases there were."""

    chosen: NDArray[np.bool_]
    """Of every pair, by its place."""
    below: int
    """Phrases that too few pairs have."""
    within: int
    """Phrases that keep all their pairs."""
    above: int
    """Phrases whose pairs are drawn from."""


class PhraseFilter:
    """See the module. Add all pairs, then select.

    Args:
        folder: for the partitions; made here, and left for the caller to remove.
        pairs: places that there are, for pairs and gaps between them.
        rarest: pairs that a phrase needs so that it counts.
        most: pairs that are kept for a phrase.
        seed: of the draw.
        held: records in memory.
        partitions: as many as keep each below `held` records, unless given.
    """

    def __init__(
        self,
        folder: Path,
        pairs: int,
        *,
        rarest: int = 3,
        most: int = 8,
        seed: int = 0,
        held: int = HELD,
        partitions: int | None = None,
    ) -> None:
        require(rarest >= 1, f"a phrase counts from 1 pair on, not from {rarest}.")
        require(most >= 1, f"a phrase keeps 1 pair or more, not {most}.")
        folder.mkdir(parents=True)  # records of another selection would be counted too
        count = partitions or 2 ** max(0, math.ceil(math.log2(max(1, pairs) * PHRASES / held)))
        self._paths = [folder / f"{number:05d}" for number in range(count)]
        self._starts = np.array([number * 2**64 // count for number in range(1, count)], dtype=np.uint64)
        self._pairs = pairs
        self._rarest, self._most, self._seed = rarest, most, np.array([hash_of(str(seed))], dtype=np.uint64)
        self._kept = max(rarest, most + 1)
        self._held = held
        self._waiting = array("Q")

    def add(self, pair: int, identity: str, phrases: Iterable[str]) -> None:
        """The noun phrases of a pair.

        Args:
            pair: its place, which may be another when the files are read in another order.
            identity: its name, which the draw depends on; a pair of its own for every name.
        """
        name: int | None = None
        for phrase in phrases:
            if phrase:
                name = hash_of(identity) if name is None else name
                self._waiting.extend((hash_of(phrase), name, pair))
        if len(self._waiting) >= 3 * self._held:
            self._lay_down()

    def select(self) -> Selection:
        """The pairs that are kept of all that were added."""
        self._lay_down()
        chosen = np.zeros(self._pairs, dtype=np.bool_)
        below = within = above = 0
        for path in self._paths:
            records = np.empty((0, 3), dtype=np.uint64)
            for block in self._blocks(path):
                records = _first_drawn(np.concatenate([records, block]), self._kept)
            counts, places = _places(records[:, PHRASE])
            kept = (places < self._most) & (np.repeat(counts, counts) >= self._rarest)
            chosen[records[kept, PAIR].astype(np.int64)] = True
            below += int((counts < self._rarest).sum())
            above += int(((counts >= self._rarest) & (counts > self._most)).sum())
            within += int(((counts >= self._rarest) & (counts <= self._most)).sum())
        return Selection(chosen, below, within, above)

    def _lay_down(self) -> None:
        """Brings what waits in memory to the partitions."""
        if not self._waiting:
            return
        records = np.frombuffer(self._waiting, dtype=np.uint64).reshape(-1, 3).copy()
        self._waiting = array("Q")
        records[:, DRAW] = _mixed(_mixed(records[:, DRAW] ^ _mixed(self._seed)) ^ records[:, PHRASE])
        records = _first_drawn(records, self._kept)
        bounds = [0, *np.searchsorted(records[:, PHRASE], self._starts), len(records)]
        for number, path in enumerate(self._paths):
            if bounds[number] < bounds[number + 1]:
                with open(path, "ab") as file:
                    records[bounds[number] : bounds[number + 1]].tofile(file)

    def _blocks(self, path: Path) -> Iterator[Records]:
        if path.exists():
            with open(path, "rb") as file:
                while len(block := np.fromfile(file, dtype=np.uint64, count=3 * self._held)):
                    yield block.reshape(-1, 3)


def _first_drawn(records: Records, count: int) -> Records:
    """Records sorted by phrase and draw, each once, and no more than `count` of a phrase: the first drawn."""
    records = records[np.lexsort((records[:, DRAW], records[:, PHRASE]))]
    # Within a phrase, only the same pair has the same draw: `_mixed` takes no two numbers to one.
    is_new = np.ones(len(records), dtype=np.bool_)
    is_new[1:] = (records[1:, : DRAW + 1] != records[:-1, : DRAW + 1]).any(axis=1)
    records = records[is_new]
    return records[_places(records[:, PHRASE])[1] < count]


def _places(phrases: Records) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of sorted phrases: how often each stands there, and for every record, its place among those of its phrase."""
    is_first = np.ones(len(phrases), dtype=np.bool_)
    is_first[1:] = phrases[1:] != phrases[:-1]
    starts = np.flatnonzero(is_first)
    counts = np.diff(starts, append=len(phrases))
    return counts, np.arange(len(phrases)) - np.repeat(starts, counts)


def _mixed(numbers: Records) -> Records:
    """SplitMix64: every bit of the result depends on all bits, and no two numbers become one."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
