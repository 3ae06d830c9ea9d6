"""The contract of all readers: what is known of a data set, and one function from its files to samples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlm.data.source import Source
from vlm.sample import Sample, Split, Task

Read = Callable[[Source], Iterator[Sample]]


def whole(folder: Path, split: Split) -> Sequence[str]:
    """One piece: most data sets are read in one go."""
    return ("",)


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set of the paper (section 4, appendix A; reference-facts, 5).

    Samples come in an order of their own, the same at each reading, and lazily: memory does not grow with their number.
    """

    name: str
    """What its samples name as their source."""
    title: str
    """What people call it."""
    folder: str
    """Below the root; several data sets share the pictures of one."""
    licence: str
    """Of annotations and pictures, as its site says."""
    splits: tuple[Split, ...]
    tasks: tuple[Task, ...]
    read: Read
    """From a `Source`, which knows folder, split and options, to samples.

    Raises DataError where the files cannot be read at all; broken records are skipped by the source.
    """
    pieces: Callable[[Path, Split], Sequence[str]] = whole
    """Parts of a split that are read apart, in parallel: shards, by a name each."""
    before: Callable[[Source], None] | None = None
    """What has to be known of all pieces before the first is read, left behind in `Source.scratch`. Made once."""
