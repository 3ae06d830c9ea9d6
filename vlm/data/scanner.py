"""A walk through a JSON file that is larger than memory, a value at a time.

Bytes that are not UTF-8 are read as halves of characters (lone surrogates), so that they break the value that they are
in and no other.
"""

import codecs
import json
import string
from collections.abc import Iterator
from typing import IO, Any, NoReturn, TypeGuard

from vlm.data.errors import DataError

CHUNK = 2**20
"""Bytes that are read at once."""

LONGEST = 2**26
"""Characters of the longest record."""

CUT = ("true", "false", "null", "NaN", "Infinity", "-Infinity", ".", "e+", "e-", "E+", "E-")
"""What may be cut off by the end of what was read, and reads as an error then; the last ones behind a number."""

WHITE = " \t\n\r"
"""What JSON takes for white space."""


def is_text(value: Any) -> TypeGuard[str]:
    """Whether it is text that can be written as UTF-8: half of a character cannot."""
    if not isinstance(value, str):
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False


_JSON = json.JSONDecoder()
_JSON_OF_LARGE = json.JSONDecoder(parse_int=float)


def decoded(text: str, at: int = 0) -> tuple[Any, int]:
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


class Scanner:
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
            else:
                self._pass(key)
            self.place = "its end" if found else "its beginning"
            ended = self._ends("}")
        if not found:
            raise DataError(f"{self._name} has no {wanted!r} in it: check that it is the file of its data set.")

    def first_key(self, *wanted: str) -> str:
        """The first of these keys that the outermost object has; what is behind it is not read."""
        self._expect("{")
        ended = self._takes("}")
        while not ended:
            key = self._key()
            if key in wanted:
                return key
            self._pass(key)
            ended = self._ends("}")
        raise DataError(f"{self._name} has no {' and no '.join(map(repr, wanted))} in it: check which file it is.")

    def finish(self) -> None:
        """Nothing is behind the outermost structure."""
        if self._next():
            self._fail("goes on behind its end")

    def _pass(self, key: str) -> None:
        """Passes over the value of a key: an array may be larger than memory."""
        if self._peek() in "[{":
            for _ in self.elements(f"{key!r}, record"):
                pass
        else:
            self._value()

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
                value, end = decoded(self._text, self._at)
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
        if not is_text(self._text[self._at : self._at + 1] or " "):
            what = "is not UTF-8"
        raise DataError(f"{self._name} {what}, at {self.place}: download it again.") from None
