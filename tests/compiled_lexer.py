"""The tables of the official tool's lexer, out of its compiled class: what it does with any text, without running it.

JFlex packs a table into string constants, as pairs of a count and a value (row starts as two halves of a number). A
text walks over `following[row[state] + kind[character]]`; a state with bit 0 in `attribute` ends a match, and
`action` says of which rule.
"""

import struct
import zipfile
from pathlib import Path

import pycocoevalcap.tokenizer

JAR = Path(pycocoevalcap.tokenizer.__path__[0]) / "stanford-corenlp-3.4.1.jar"
LEXER = "edu/stanford/nlp/process/PTBLexer.class"
BEGINNING = 2
"""The state a text begins in, as the tool is called (its lexical state of the traditional Treebank)."""
ENDS, GOES_NO_FURTHER = 1, 8
WIDTHS = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 18: 4}
"""Bytes of an entry in a class file's pool of constants, by its tag."""


class CompiledLexer:
    def __init__(self):
        with zipfile.ZipFile(JAR) as jar:
            constants = string_constants(jar.read(LEXER))
        self._kind = pairs(constants["ZZ_CMAP_PACKED"])
        self._action = pairs(constants["ZZ_ACTION_PACKED_0"])
        self._attribute = pairs(constants["ZZ_ATTRIBUTE_PACKED_0"])
        self._row = [high << 16 | low for high, low in by_two(constants["ZZ_ROWMAP_PACKED_0"])]
        packed = [constants[f"ZZ_TRANS_PACKED_{part}"] for part in range(9)]
        self._following = [value - 1 for part in packed for value in pairs(part)]

    def kind(self, character):
        """Which of the kinds of characters that it tells apart."""
        return self._kind[ord(character)]

    def after(self, state, kind):
        """The state after a character of this kind; None where no match goes on."""
        if state is None or self._attribute[state] & GOES_NO_FURTHER:
            return None
        following = self._following[self._row[state] + kind]
        return None if following < 0 else following

    def action(self, state):
        """The number of what is done with a match that ends in a state; None where none ends."""
        return self._action[state] if state is not None and self._attribute[state] & ENDS else None


def by_two(packed):
    return zip(map(ord, packed[::2]), map(ord, packed[1::2]), strict=True)


def pairs(packed):
    return [value for count, value in by_two(packed) for _ in range(count)]


def string_constants(code):
    """The constant strings of a class, by the names of its fields."""
    pool, place = {}, 10
    size = struct.unpack_from(">H", code, 8)[0]
    number = 1
    while number < size:
        tag = code[place]
        if tag == 1:
            length = struct.unpack_from(">H", code, place + 1)[0]
            pool[number] = modified_utf8(code[place + 3 : place + 3 + length])
            place += 3 + length
        else:
            if tag == 8:
                pool[number] = struct.unpack_from(">H", code, place + 1)[0]
            place += 1 + WIDTHS[tag]
        number += 2 if tag in (5, 6) else 1
    place += 6
    place += 2 + 2 * struct.unpack_from(">H", code, place)[0]
    fields = struct.unpack_from(">H", code, place)[0]
    place += 2
    constants = {}
    for _ in range(fields):
        name, attributes = (
            pool[struct.unpack_from(">H", code, place + 2)[0]],
            struct.unpack_from(">H", code, place + 6)[0],
        )
        place += 8
        for _ in range(attributes):
            attribute, length = struct.unpack_from(">HI", code, place)
            value = struct.unpack_from(">H", code, place + 6)[0] if length == 2 else None
            if pool[attribute] == "ConstantValue" and isinstance(pool.get(value), int):
                constants[name] = pool[pool[value]]
            place += 6 + length
    return constants


def modified_utf8(code):
    """UTF-8 of UTF-16 units, in which Java writes NUL as two bytes."""
    return code.replace(b"\xc0\x80", b"\x00").decode("utf-8", "surrogatepass")
