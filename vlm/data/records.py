"""Annotation files, read a record at a time: memory does not grow with the file, and every complaint names its place.

    json_records    the elements of an array, or the entries of an object: the outermost, or the one under a key of it
    line_records    JSON lines
    table_records   rows of a CSV file that has names in its first line

A record that is not what was expected can be left out (`RecordError`); a file whose syntax is broken cannot be read on
from there (`DataError`). Bytes that are not UTF-8 break the record they are in and no other: they are read as halves of
characters (lone surrogates), as are those that JSON can spell (`"\\ud800"`), and a field that holds one is refused.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from vlm.data.errors import DataError, RecordError
from vlm.data.scanner import WHITE, Scanner, decoded, is_text

SHOWN = 60
"""Characters of a value that is not what it should be, in a sentence on it."""


@dataclass(slots=True)
class Record:
    """A JSON object of an annotation file, and where it stands. Fields are asked for by their type.

    It is not changed once it is made; to have that enforced makes it take more than twice as long to make, and a
    question with ten answers is eleven of them.
    """

    place: str
    """`train.json, record 12`: for sentences."""
    fields: Mapping[str, Any]
    key: str = ""
    """Of an entry of an object."""
    ordinal: int = 0
    """Which record, line or row of its file it is, from 1 on; 0 for an object inside of another."""

    def text(self, name: str) -> str:
        """A string, without white space around it."""
        value = self.fields.get(name)
        return value.strip() if is_text(value) else self._refuse(name, "text")

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self.fields.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else self._refuse(name, "a whole number")

    def number(self, name: str) -> float:
        """A finite number."""
        value: Any = self.fields.get(name)
        finite = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e308
        return float(value) if finite else self._refuse(name, "a number")

    def id(self, name: str) -> str:
        """A number or a string that names something, as text."""
        value = self.fields.get(name)
        named = (isinstance(value, int) and not isinstance(value, bool)) or is_text(value)
        return str(value) if named else self._refuse(name, "a number or text")

    def numbers(self, name: str, count: int | None = None) -> list[float]:
        """A list of finite numbers."""
        values = self.values(name)
        right = all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e308 for v in values)
        if not right or count not in (None, len(values)):
            self._refuse(name, f"{count} numbers" if count is not None else "numbers")
        return [float(value) for value in values]

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        values = self.values(name)
        if not all(map(is_text, values)):
            self._refuse(name, "a list of texts")
        return values

    def values(self, name: str) -> list[Any]:
        """A list of anything."""
        value = self.fields.get(name)
        return value if isinstance(value, list) else self._refuse(name, "a list")

    def record(self, name: str) -> "Record":
        """An object inside of this one."""
        if not is_text(name):  # a key of the file's own
            self.refuse(f"it has a key that is not UTF-8, {_shown(name)}")
        if name not in self.fields:
            self._refuse(name, "an object")
        return as_record(self.fields[name], f"{self.place}, {name}")

    def records(self, name: str) -> "list[Record]":
        """A list of objects."""
        return [as_record(value, f"{self.place}, {name} {n}") for n, value in enumerate(self.values(name), 1)]

    def has(self, name: str) -> bool:
        """Whether there is such a field, and it is not null."""
        return self.fields.get(name) is not None

    def refuse(self, why: str) -> NoReturn:
        """Raises RecordError with this reason."""
        raise RecordError(f"{self.place}: {why}.")

    def _refuse(self, name: str, wanted: str) -> NoReturn:
        if name not in self.fields:
            self.refuse(f"{name!r} is missing")
        self.refuse(f"{name!r} should be {wanted} and is {_shown(self.fields[name])}")


def as_record(value: Any, place: str, ordinal: int = 0) -> Record:
    """An object that was read, with its place.

    Raises:
        RecordError: it is none.
    """
    if not isinstance(value, dict):
        raise RecordError(f"{place}: it should be an object and is {_shown(value)}.")
    return Record(place, value, ordinal=ordinal)


def json_records(file: IO[bytes], name: str, at: str | None = None) -> Iterator[Record | RecordError]:
    """The elements of an array, or the entries of an object with their keys. What is no object is a RecordError.

    Args:
        name: of the file, for sentences.
        at: a key of the outermost object that the array or the object stands under; None for the outermost itself.

    Raises:
        DataError: the file is not JSON, ends too early, or has nothing there.
    """
    scanner, number = Scanner(file, name), 0
    for number, (key, value) in enumerate(scanner.elements() if at is None else scanner.under(at), start=1):
        place = f"{name}, {key or f'record {number:,}'}"
        if key is not None and not is_text(key):
            yield RecordError(f"{name}, record {number:,}: its key is not UTF-8, {_shown(key)}.")
        elif isinstance(value, dict):
            yield Record(place, value, key or "", number)
        else:
            yield RecordError(f"{place}: it should be an object and is {_shown(value)}.")
    scanner.finish()
    _require_some(number, name)


def line_records(file: IO[bytes], name: str) -> Iterator[Record | RecordError]:
    """The objects of JSON lines; empty lines are passed over. A line that is none is a RecordError.

    Raises:
        DataError: there is none.
    """
    some = False
    for number, line in enumerate(file, start=1):
        place = f"{name}, line {number:,}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape")
            if text := text.strip(WHITE):
                some = True
                value, end = decoded(text)
                if end < len(text):
                    raise ValueError("it goes on behind its end")
                yield as_record(value, place, number)
        except RecordError as error:
            yield error
        except (ValueError, RecursionError) as error:
            yield RecordError(f"{place}: it is not JSON ({error}).")
    _require_some(some, name)


def table_records(file: IO[bytes], name: str) -> Iterator[Record | RecordError]:
    """The rows of a CSV file by the names in its first line. One that is longer or shorter is a RecordError.

    Raises:
        DataError: it is no CSV, or has no rows.
    """
    rows = csv.reader(io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline=""), strict=True)
    number = 0
    try:
        names = next(rows, [])
        for number, row in enumerate(filter(None, rows), start=1):
            place = f"{name}, row {number:,}"
            if len(row) != len(names):
                yield RecordError(f"{place}: it has {len(row)} fields, and the first line names {len(names)}.")
            else:
                yield Record(place, dict(zip(names, row, strict=True)), ordinal=number)
    except csv.Error as error:
        raise DataError(f"{name} is no table ({error}, at row {number + 1:,}): download it again.") from error
    _require_some(number, name)


def _require_some(count: int, name: str) -> None:
    """An annotation file without a record is none: its data set would be left out without a word."""
    if not count:
        raise DataError(f"{name} holds no records: check that it is the file of its data set.")


def _shown(value: Any) -> str:
    """The beginning of a value, as JSON. No more of it is written out: it may be very large or deep, or hold itself."""
    shown = ""
    beginning = value[:SHOWN] if isinstance(value, str) else value
    for part in json.JSONEncoder(default=repr, skipkeys=True, check_circular=False).iterencode(beginning):
        shown += part
        if len(shown) >= SHOWN:
            break
    return shown[:SHOWN]
