"""What became of the records of a data set: read, skipped because they are broken, dropped because they are not wanted.

A broken record is skipped and named; more than 1 % of them mean that the files are not what they should be, and end the
work. What is dropped (too small, contaminated, its picture missing) is counted by reason.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

from vlm.data.errors import DataError

LARGEST_PERCENT = 1
"""Of the records, that may be broken."""

EARLIEST = 1_000
"""Records after which their share is first looked at, before the end."""

NAMED = 20
"""Broken records, and pieces dropped for each reason, that are named; all are counted."""

COUNTERS = ("reads", "skips", "dropped", "changed", "samples")


@dataclass
class Tally:
    """Counts of one data set and split. `named` holds examples for each reason, and for what was skipped."""

    reads: Counter[str] = field(default_factory=Counter)
    """Records by what they are: the file that they stand in, or nothing for those that stand inside of others."""
    skips: Counter[str] = field(default_factory=Counter)
    """Of them, those that are broken."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Samples, questions or regions by reason."""
    changed: Counter[str] = field(default_factory=Counter)
    """What was mended, such as boxes cut at the border of their picture."""
    samples: Counter[str] = field(default_factory=Counter)
    """That were made, by task."""
    named: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    """Annotation files that were read, by their path below the root."""

    @property
    def read(self) -> int:
        """All records."""
        return self.reads.total()

    @property
    def skipped(self) -> int:
        """All broken records."""
        return self.skips.total()

    def skip(self, why: str, kind: str = "") -> None:
        """A broken record, with the sentence that names it.

        Raises:
            DataError: there are too many.
        """
        self.skips[kind] += 1
        self._name("skipped", why)
        if self.reads[kind] >= EARLIEST:
            self._require_few(kind)

    def drop(self, reason: str, what: str = "", count: int = 1) -> None:
        """Pieces that are not wanted, and an example."""
        self.dropped[reason] += count
        if what:
            self._name(reason, what)

    def change(self, what: str, where: str = "") -> None:
        """Something that was mended, or is odd and harmless, and an example."""
        self.changed[what] += 1
        if where:
            self._name(what, where)

    def require_few_skipped(self) -> None:
        """Raises DataError where more than 1 % of the records of one kind are broken."""
        for kind in self.skips:
            self._require_few(kind)

    def add(self, other: "Tally") -> None:
        """Takes over the counts of another part."""
        for name in COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.files += [name for name in other.files if name not in self.files]
        for reason, examples in other.named.items():
            for example in examples:
                self._name(reason, example)

    def to_json(self) -> str:
        """All counts as text."""
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, text: str) -> "Tally":
        """The reverse of `to_json`.

        Raises:
            ValueError: the text is no tally.
        """
        try:
            read = json.loads(text)
            counters = {name: Counter(read[name]) for name in COUNTERS}
            return cls(**{**read, **counters})
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from error

    def _require_few(self, kind: str) -> None:
        if 100 * self.skips[kind] > LARGEST_PERCENT * self.reads[kind]:
            where = f" of {kind}" if kind else ""
            raise DataError(
                f"{self.skips[kind]:,} of {self.reads[kind]:,} records{where} cannot be used, more than "
                f"{LARGEST_PERCENT}%: check that these are the files of the data set; the first: "
                f"{self.named['skipped'][0]}"
            )

    def _name(self, reason: str, what: str) -> None:
        examples = self.named.setdefault(reason, [])
        if len(examples) < NAMED:
            examples.append(what)
