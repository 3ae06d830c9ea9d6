"""Annotation files, read a record at a time: memory does not grow with the file, and every complaint names its place.

    json_records    the elements of an array, or the entries of an object: the outermost, or the one under a key of it
    line_records    JSON lines
    table_records   rows of a CSV file that has names in its first line

A record that is not what was expected can be left out (`RecordError`); a file whose syntax is broken cannot be read on
from there (`DataError`).
"""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from training.config import ConfigError
from vlm.sample import SampleError

CHUNK = 2**20
"""Bytes that are read at once."""

LONGEST = 2**28
"""Characters of the longest record."""

SHOWN = 60
"""Characters of a value that is not what it should be, in a sentence on it."""


class DataError(ConfigError):
    """Data that cannot be read at all. The message is one sentence that names the file and says what to do."""


class RecordError(SampleError):
    """One record that cannot be used. The message names the file and the record and says why."""


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
        return value.strip() if isinstance(value, str) else self._refuse(name, "text")

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
        named = isinstance(value, int | str) and not isinstance(value, bool)
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
        if not all(isinstance(value, str) for value in values):
            self._refuse(name, "a list of texts")
        return values

    def values(self, name: str) -> list[Any]:
        """A list of anything."""
        value = self.fields.get(name)
        return value if isinstance(value, list) else self._refuse(name, "a list")

    def record(self, name: str) -> "Record":
        """An object inside of this one."""
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
        raise _not_an_object(place, value)
    return Record(place, value, ordinal=ordinal)


def json_records(file: IO[bytes], name: str, at: str | None = None) -> Iterator[Record | RecordError]:
    """The elements of an array, or the entries of an object with their keys. What is no object is a RecordError.

    Args:
        name: of the file, for sentences.
        at: a key of the outermost object that the array or the object stands under; None for the outermost itself.

    Raises:
        DataError: the file is not UTF-8 or not JSON, ends too early, or has nothing there.
    """
    scanner = _Scanner(file, name)
    if at is not None and not scanner.find(at):
        raise DataError(f"{name} has no {at!r} in it: check that it is the file that its data set gives out.")
    for number, (key, value) in enumerate(scanner.elements(), start=1):
        scanner.place = f"record {number + 1:,}"
        place = f"{name}, {key}" if key is not None else f"{name}, record {number:,}"
        yield Record(place, value, key or "", number) if isinstance(value, dict) else _not_an_object(place, value)


def line_records(file: IO[bytes], name: str) -> Iterator[Record | RecordError]:
    """The objects of JSON lines; empty lines are passed over. A line that is none is a RecordError."""
    for number, line in enumerate(file, start=1):
        place = f"{name}, line {number:,}"
        try:
            text = line.decode()
            if text.strip():
                yield as_record(json.loads(text), place, number)
        except UnicodeDecodeError:
            yield RecordError(f"{place}: it is not UTF-8.")
        except RecordError as error:
            yield error
        except (ValueError, RecursionError) as error:
            yield RecordError(f"{place}: it is not JSON ({error}).")


def table_records(file: IO[bytes], name: str) -> Iterator[Record | RecordError]:
    """The rows of a CSV file by the names in its first line.

    Raises:
        DataError: it is not UTF-8, or no CSV.
    """
    try:
        for number, row in enumerate(csv.DictReader(io.TextIOWrapper(file, "utf-8-sig", newline="")), start=1):
            fields = {key: value for key, value in row.items() if key is not None}
            yield as_record(fields, f"{name}, row {number:,}", number)
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8: download it again.") from error
    except csv.Error as error:
        raise DataError(f"{name} is no table ({error}): download it again.") from error


def _not_an_object(place: str, value: Any) -> RecordError:
    return RecordError(f"{place}: it should be an object and is {_shown(value)}.")


def _shown(value: Any) -> str:
    """The beginning of a value, as JSON. No more of it is written out: it may be very large, or hold itself."""
    shown = ""
    for part in json.JSONEncoder(default=repr, skipkeys=True, check_circular=False).iterencode(value):
        shown += part
        if len(shown) >= SHOWN:
            break
    return shown[:SHOWN]


class _Scanner:
    """Walks through the outermost structure of a JSON file; each value of it is decoded whole."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._ended = False
        self.place = "its beginning"

    def find(self, key: str) -> bool:
        """Goes to the value of a key of the outermost object; whether there is one."""
        self._expect("{")
        while self._peek() != "}":
            if self._key() == key:
                return True
            if self._peek() in "[{":
                for _ in self.elements():  # an array of its own may be larger than memory
                    pass
            else:
                self._value()
            self._comma("}")
        return False

    def elements(self) -> Iterator[tuple[str | None, Any]]:
        """Of the array or object that begins here: (None or the key, the value)."""
        opened = self._peek()
        if opened not in ("[", "{"):
            self._fail("should hold a list or an object here, and does not")
        self._at += 1
        end = "]" if opened == "[" else "}"
        while self._peek() != end:
            key = self._key() if opened == "{" else None
            yield key, self._value()
            self._comma(end)
        self._at += 1

    def _key(self) -> str:
        key = self._value()
        if not isinstance(key, str):
            self._fail("has a key that is no text")
        self._expect(":")
        return key

    def _comma(self, end: str) -> None:
        found = self._peek()
        if found == ",":
            self._at += 1
        elif found != end:
            self._fail(f"has {found!r} where ',' or {end!r} should be")

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            self._fail(f"has {self._peek()!r} where {sign!r} should be")
        self._at += 1

    def _peek(self) -> str:
        """The next sign that is no white space."""
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace():
                    return self._text[self._at]
                self._at += 1
            if not self._more(CHUNK):
                raise DataError(f"{self._name} ends too early, within {self.place}: download it again.")

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
                # A number that touches the end of what was read may go on.
                if end < len(self._text) or not self._more(CHUNK):
                    self._at = end
                    return value
            except json.JSONDecodeError as error:
                # Where a value is cut off, it is found wrong at its end, or in a text that does not end.
                cut = error.pos > len(self._text) - 16 or error.msg.startswith("Unterminated")
                if not cut or len(self._text) - self._at > LONGEST:
                    self._fail(f"is not JSON ({error.msg})")
                if not self._more(max(CHUNK, len(self._text) - self._at)):
                    raise DataError(f"{self._name} ends too early, within {self.place}: download it again.") from error
            except RecursionError:
                self._fail("is nested too deeply")

    def _more(self, count: int) -> bool:
        """Reads on, and forgets what has been used; whether there was more."""
        if self._ended:
            return False
        read = self._file.read(count)
        self._ended = not read
        try:
            self._text = self._text[self._at :] + self._decode(read, final=not read)
        except UnicodeDecodeError as error:
            raise DataError(f"{self._name} is not UTF-8 at or after {self.place}: download it again.") from error
        self._at = 0
        return bool(read)

    def _fail(self, what: str) -> NoReturn:
        raise DataError(f"{self._name} {what}, at {self.place}: download it again.")
