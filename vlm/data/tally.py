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


@dataclass
class Tally:
    """Counts of one data set and split. `named` holds examples for each reason, and for what was skipped."""

    read: int = 0
    skipped: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Samples, questions or regions by reason."""
    changed: Counter[str] = field(default_factory=Counter)
    """What was mended, such as boxes cut at the border of their picture."""
    samples: Counter[str] = field(default_factory=Counter)
    """That were made, by task."""
    named: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    """Annotation files that were read, by their path below the root."""

    def skip(self, why: str) -> None:
        """A broken record, with the sentence that names it.

        Raises:
            DataError: there are too many.
        """
        self.skipped += 1
        self._name("skipped", why)
        if self.read >= EARLIEST:
            self.require_few_skipped()

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
        """Raises DataError where more than 1 % of the records are broken."""
        if 100 * self.skipped > LARGEST_PERCENT * self.read:
            first = self.named["skipped"][0]
            raise DataError(
                f"{self.skipped:,} of {self.read:,} records cannot be used, more than {LARGEST_PERCENT}%: check that "
                f"these are the files of the data set; the first: {first}"
            )

    def add(self, other: "Tally") -> None:
        """Takes over the counts of another part."""
        self.read += other.read
        self.skipped += other.skipped
        for name in ("dropped", "changed", "samples"):
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
            counters = {name: Counter(read[name]) for name in ("dropped", "changed", "samples")}
            return cls(**{**read, **counters})
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from error

    def _name(self, reason: str, what: str) -> None:
        examples = self.named.setdefault(reason, [])
        if len(examples) < NAMED:
            examples.append(what)
