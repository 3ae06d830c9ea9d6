"""Annotation files, read a record at a time: memory does not grow with the file, and every complaint names its place.

    json_records    the elements of an array, or the entries of an object: the outermost, or the one under a key of it
    line_records    JSON lines
    table_records   rows of a CSV file that has names in its first line

A record that is not what was expected can be left out (`RecordError`); a file whose syntax is broken cannot be read on
from there (`DataError`). Bytes that are not UTF-8 break the record they are in and no other: they are read as halves of
characters (lone surrogates), as are those that JSON can spell (`"\\ud800"`), and a field that holds one is refused.
"""

import codecs
import csv
import io
import json
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, NoReturn, TypeGuard

from training.config import ConfigError
from vlm.sample import SampleError

CHUNK = 2**20
"""Bytes that are read at once."""

LONGEST = 2**26
"""Characters of the longest record."""

CUT = ("true", "false", "null", "NaN", "Infinity", "-Infinity", ".", "e+", "e-", "E+", "E-")
"""What may be cut off by the end of what was read, and reads as an error then; the last ones behind a number."""

WHITE = " \t\n\r"
"""What JSON takes for white space."""

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
        return value.strip() if _is_text(value) else self._refuse(name, "text")

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
        named = (isinstance(value, int) and not isinstance(value, bool)) or _is_text(value)
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
        if not all(map(_is_text, values)):
            self._refuse(name, "a list of texts")
        return values

    def values(self, name: str) -> list[Any]:
        """A list of anything."""
        value = self.fields.get(name)
        return value if isinstance(value, list) else self._refuse(name, "a list")

    def record(self, name: str) -> "Record":
        """An object inside of this one."""
        if not _is_text(name):  # a key of the file's own
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
    scanner, number = _Scanner(file, name), 0
    for number, (key, value) in enumerate(scanner.elements() if at is None else scanner.under(at), start=1):
        place = f"{name}, {key or f'record {number:,}'}"
        if key is not None and not _is_text(key):
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
                value, end = _decoded(text)
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


def _is_text(value: Any) -> TypeGuard[str]:
    """Whether it is text that can be written as UTF-8: half of a character cannot."""
    if not isinstance(value, str):
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False


def _shown(value: Any) -> str:
    """The beginning of a value, as JSON. No more of it is written out: it may be very large or deep, or hold itself."""
    shown = ""
    beginning = value[:SHOWN] if isinstance(value, str) else value
    for part in json.JSONEncoder(default=repr, skipkeys=True, check_circular=False).iterencode(beginning):
        shown += part
        if len(shown) >= SHOWN:
            break
    return shown[:SHOWN]


_JSON = json.JSONDecoder()
_JSON_OF_LARGE = json.JSONDecoder(parse_int=float)


def _decoded(text: str, at: int = 0) -> tuple[Any, int]:
    """The value that begins there, and where it ends. A number of thousands of digits is infinite.

    Raises:
        json.JSONDecodeError: there is none.
        RecursionError: it is nested too deeply.
    """
    try:
        return _JSON.raw_decode(text, at)
    except json.JSONDecodeError:
        raise
    except ValueError:  # of int(), which reads no more than 4,300 digits
        return _JSON_OF_LARGE.raw_decode(text, at)


def _is_cut(rest: str, fault: str) -> bool:
    """Whether a value is no JSON because its text ends: of what is wrong in it, this is the rest."""
    if fault.startswith("Invalid \\u"):
        return len(rest) <= len("u1234") and set(rest[1:]) <= set(string.hexdigits)
    return fault.startswith("Unterminated") or any(word.startswith(rest) for word in CUT)


class _Scanner:
    """Walks through the outermost structure of a JSON file; each value of it is decoded whole."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._text = ""
        self._at = 0
        self._ended = False
        self.place = "its beginning"

    def elements(self, what: str = "record") -> Iterator[tuple[str | None, Any]]:
        """Of the array or object that begins here: (None or the key, the value)."""
        opened = self._peek()
        if opened not in ("[", "{"):
            self._fail("should hold a list or an object here, and does not")
        self._expect(opened)
        end = "]" if opened == "[" else "}"
        ended = self._takes(end)
        number = 0
        while not ended:
            number += 1
            self.place = f"{what} {number:,}"
            key = self._key() if opened == "{" else None
            value = self._value()
            ended = self._ends(end)  # before it is given: a number is whole only if something is behind it
            yield key, value

    def under(self, wanted: str) -> Iterator[tuple[str | None, Any]]:
        """Of the array or object under a key of the outermost object, which is read to its end all the same."""
        found = False
        self._expect("{")
        ended = self._takes("}")
        while not ended:
            key = self._key()
            if key == wanted:
                if found:
                    self._fail(f"has {wanted!r} twice")
                found = True
                yield from self.elements()
            elif self._peek() in "[{":
                for _ in self.elements(f"{key!r}, record"):  # an array of its own may be larger than memory
                    pass
            else:
                self._value()
            self.place = "its end" if found else "its beginning"
            ended = self._ends("}")
        if not found:
            raise DataError(f"{self._name} has no {wanted!r} in it: check that it is the file of its data set.")

    def finish(self) -> None:
        """Nothing is behind the outermost structure."""
        if self._next():
            self._fail("goes on behind its end")

    def _key(self) -> str:
        key = self._value()
        if not isinstance(key, str):
            self._fail("has a key that is no text")
        self._expect(":")
        return key

    def _ends(self, end: str) -> bool:
        """Goes on behind a value; whether it was the last."""
        if self._takes(end):
            return True
        self._expect(",")
        return False

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            self._fail(f"has {self._peek()!r} where {sign!r} should be")

    def _takes(self, sign: str) -> bool:
        """Whether this sign is the next; it is passed then."""
        is_next = self._peek() == sign
        self._at += is_next
        return is_next

    def _peek(self) -> str:
        """The next sign that is no white space."""
        return self._next() or self._end_too_early()

    def _next(self) -> str:
        """The same, or nothing at the end of the file."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in WHITE:
                    return self._text[self._at]
                self._at += 1
            if not self._more(CHUNK):
                return ""

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = _decoded(self._text, self._at)
                if self._ended or len(self._text) - end > 2:
                    self._at = end
                    return value
                self._more(CHUNK)  # a number may go on behind what was read: 1, 1e, 1e+
            except json.JSONDecodeError as error:
                if not _is_cut(self._text[error.pos :][:16], error.msg) or len(self._text) - self._at > LONGEST:
                    self._fail(f"is not JSON ({error.msg})")
                if not self._more(max(CHUNK, len(self._text) - self._at)):
                    self._end_too_early()
            except RecursionError:
                self._fail("is nested too deeply")

    def _more(self, count: int) -> bool:
        """Reads on, and forgets what has been used; whether there was more."""
        if self._ended:
            return False
        read = self._file.read(count)
        self._ended = not read
        self._text = self._text[self._at :] + self._decode(read, final=not read)
        self._at = 0
        return bool(read)

    def _end_too_early(self) -> NoReturn:
        raise DataError(f"{self._name} ends too early, within {self.place}: download it again.")

    def _fail(self, what: str) -> NoReturn:
        if not _is_text(self._text[self._at : self._at + 1] or " "):
            what = "is not UTF-8"
        raise DataError(f"{self._name} {what}, at {self.place}: download it again.") from None
