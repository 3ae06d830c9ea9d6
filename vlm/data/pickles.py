"""Pickles, of which only plain values are read: a pickle is a program, and one from elsewhere could run anything.

RefCOCO gives its references out as a pickle of Python 2 (reference-facts, 5.3). What is read here are dicts, lists,
tuples, sets, text, bytes, numbers, True, False and None. Whatever names a class or a function, calls one, or asks for
something outside of the file is refused before it is looked up.

It is the standard library's unpickler, the one written in Python, with most of its table of instructions taken out: no
code is left that could import or call. The one written in C would reserve memory for numbers that a file makes up.
Values of any depth are read without recursion, and take no more memory than a multiple of the file.
"""

import io
import pickle
import pickletools
from collections.abc import Callable, Iterable
from typing import Any

from vlm.data.errors import DataError

LARGEST = 2**29
"""Bytes of the largest pickle that is read."""

PLAIN = """
    PROTO FRAME STOP MARK POP POP_MARK DUP
    GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE
    NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 FLOAT BINFLOAT
    STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
    BINBYTES SHORT_BINBYTES BINBYTES8
    EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
    EMPTY_DICT DICT SETITEM SETITEMS EMPTY_SET ADDITEMS
"""
ALLOWED = frozenset(PLAIN.split())
"""Instructions that make a plain value, or move one. LONG4, a number of more than 600 digits, is no data."""

HASHED = (str, bytes, int, float, bool, type(None))
"""Keys of dicts and members of sets. To hash tuples inside of tuples takes time and stack without a limit."""


def plain_value(file: Any, name: str) -> Any:
    """The value in a pickle of any protocol. The text of Python 2 is read as UTF-8, or else as Latin-1.

    Args:
        file: opened for reading bytes.
        name: of the file, for sentences.

    Raises:
        DataError: it is no pickle, is cut off or too large, or holds more than plain values.
    """
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise DataError(f"{name} is larger than {LARGEST:,} bytes: check that it is the file of its data set.")
    unpickler = _PlainUnpickler(io.BytesIO(data))
    try:
        return unpickler.load()
    except _RefusedError as refused:
        raise DataError(
            f"{name} holds more than plain data ({refused}), and could run a program where it is opened: nothing of it "
            "was run; take the file that its data set gives out."
        ) from None
    except Exception as error:  # what is no pickle makes the unpickler fail in any way
        why = f"{type(error).__name__}: {error}".rstrip(": ")
        raise DataError(f"{name} is no pickle, or is cut off ({why}): download it again.") from error


class _RefusedError(Exception):
    """An instruction that is not read. The message is its name."""


class _PlainUnpickler(pickle._Unpickler):
    """See the module."""

    # Of the base: they are set while it works, and its types do not tell.
    stack: list[Any]
    append: Callable[[Any], None]
    readline: Callable[[], bytes]
    pop_mark: Callable[[], list[Any]]

    def find_class(self, module: str, name: str) -> Any:
        """Never reached: no instruction that is read asks for a class. It is closed all the same."""
        raise _RefusedError(f"{module}.{name}")

    def _decode_string(self, value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")

    def _load_number(self) -> None:
        """A decimal number as text, with the L of Python 2; True and False of protocol 0 and 1. int() limits digits."""
        line = self.readline().removesuffix(b"\n")
        self.append({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line.removesuffix(b"L")))

    def _load_dict(self) -> None:
        items = self.pop_mark()  # which puts another stack in the place of this one
        self.append(_fill({}, items))

    def _load_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _fill(self.stack[-1], [key, value])

    def _load_items(self) -> None:
        items = self.pop_mark()
        _fill(self.stack[-1], items)

    def _load_members(self) -> None:
        members = self.pop_mark()
        into = self.stack[-1]
        if not isinstance(into, set):
            raise ValueError("members for what is no set")
        into.update(_hashable(members))


def _fill(into: Any, items: list[Any]) -> Any:
    """Keys and values in turn, into a dict."""
    if not isinstance(into, dict):
        raise ValueError("keys for what is no dict")
    into.update(zip(_hashable(items[::2]), items[1::2], strict=True))
    return into


def _hashable(keys: list[Any]) -> Iterable[Any]:
    for key in keys:
        if type(key) not in HASHED:
            raise ValueError(f"a {type(key).__name__} as a key")
    return keys


def _refuse(name: str) -> Callable[[Any], None]:
    def refuse(unpickler: Any) -> None:
        raise _RefusedError(name)

    return refuse


_OWN: dict[str, Callable[[Any], None]] = {
    "INT": _PlainUnpickler._load_number,
    "LONG": _PlainUnpickler._load_number,
    "DICT": _PlainUnpickler._load_dict,
    "SETITEM": _PlainUnpickler._load_item,
    "SETITEMS": _PlainUnpickler._load_items,
    "ADDITEMS": _PlainUnpickler._load_members,
}


def _instruction(name: str, code: int) -> Callable[[Any], None]:
    if name not in ALLOWED:
        return _refuse(name)
    return _OWN.get(name) or pickle._Unpickler.dispatch[code]


_PlainUnpickler.dispatch = {ord(one.code): _instruction(one.name, ord(one.code)) for one in pickletools.opcodes}
