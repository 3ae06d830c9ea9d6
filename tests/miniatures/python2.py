"""Pickles as Python 2 wrote them, which nothing writes any more: text is bytes, and whole numbers may be long."""

import struct


class Long(int):
    """A `long` of Python 2."""


def pickled(value, protocol: int = 2) -> bytes:
    """Protocol 0, which is text, or 2. What is text and ASCII is a `str` of Python 2, other text `unicode`."""
    known: dict[str, int] = {}
    return (b"\x80\x02" if protocol == 2 else b"") + _SAID[protocol](value, known) + b"."


def _memo(known, key, protocol):
    known[key] = len(known)
    return b"p%d\n" % known[key] if protocol == 0 else b"r" + struct.pack("<I", known[key])


def _text(value, known, protocol):
    """Named again by its number in the memo, as interned text is."""
    if value in known:
        return b"g%d\n" % known[value] if protocol == 0 else b"j" + struct.pack("<I", known[value])
    if protocol == 0:
        said = (
            b"S" + repr(value).encode() + b"\n"
            if value.isascii()
            else b"V" + value.encode("raw-unicode-escape") + b"\n"
        )
    elif value.isascii():
        said = b"U" + bytes([len(value)]) + value.encode() if len(value) < 256 else b"T" + _long(value.encode())
    else:
        said = b"X" + _long(value.encode())
    return said + _memo(known, value, protocol)


def _long(data):
    return struct.pack("<I", len(data)) + data


def _zero(value, known):
    match value:
        case bool():
            return b"I%02d\n" % value
        case None:
            return b"N"
        case Long():
            return b"L%dL\n" % value
        case int():
            return b"I%d\n" % value
        case float():
            return b"F%r\n" % value
        case str():
            return _text(value, known, 0)
        case list():
            return b"(l" + _memo(known, id(value), 0) + b"".join(_zero(one, known) + b"a" for one in value)
    items = (_zero(key, known) + _zero(one, known) + b"s" for key, one in value.items())
    return b"(d" + _memo(known, id(value), 0) + b"".join(items)


def _two(value, known):
    match value:
        case bool():
            return b"\x88" if value else b"\x89"
        case None:
            return b"N"
        case Long():
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return b"\x8a" + bytes([len(data)]) + data
        case int():
            return b"J" + struct.pack("<i", value)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return _text(value, known, 2)
        case list():
            return b"]" + _memo(known, id(value), 2) + b"(" + b"".join(_two(one, known) for one in value) + b"e"
    items = (_two(key, known) + _two(one, known) for key, one in value.items())
    return b"}" + _memo(known, id(value), 2) + b"(" + b"".join(items) + b"u"


_SAID = {0: _zero, 2: _two}
