"""The words of a caption, as the official caption tools cut it, without their Java.

The tools (pycocoevalcap) write all captions to a file, a line each, run the Penn Treebank tokenizer of Stanford
CoreNLP 3.4.1 over it with `-preserveLines -lowerCase`, and take words that are punctuation out of each line. `tokens`
gives the same words for one caption; the rules are in `rules`. `(a man's hat)` becomes `-lrb- a man 's hat
-rrb-`: brackets are not on the tools' list of punctuation.

A caption is taken as a line with lines around it that have nothing to do with it. The tools' file has these ties
between lines:

- A single letter and a period at the end of a caption ("plan b.") stay together here; the tools part them where the
  next caption begins with a word such as "A" or "The" in upper case.
- Markup with a quotation that is not closed (`<a href="`) can go on in the next caption.
- Behind the last caption of all there is no line end, and what needs something behind it is not found there: a smiley,
  a year such as `'07`, the name of a file.
- Where a caption holds a line end other than `\\n` (`\\r`, `\\v`, `\\f`, U+2028, U+2029), the tools count one caption
  as two from there on. Here such a character parts words. A NEL (U+0085) is an ellipsis to both.

Lower case is that of the Java the tools run on (17 where this was compared). A letter that Unicode took in later can
differ, but only in an address of the web or of mail: elsewhere the tools leave out letters newer than their lexer.
"""

import re
from functools import cache, lru_cache

from vlm.evaluate.metrics.tokenizer.automaton import Automaton
from vlm.evaluate.metrics.tokenizer.lower_case import lower_case
from vlm.evaluate.metrics.tokenizer.parts import NAMED
from vlm.evaluate.metrics.tokenizer.rules import RULES

PUNCTUATION = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])
"""The tools' list, without its brackets in upper case, which no word in lower case is equal to."""
INDEPENDENT = re.compile(r"[ !-/:;=-~]*")
"""Captions whose pieces between spaces do not depend on each other: in ASCII, without digits and `<`, for telephone
numbers, fractions and markup hold spaces."""
MAY_DEPEND = re.compile(r"(?<![A-Za-z])[A-Za-z]\. +[A-Z]|[^A-Za-z ][A-Za-z]*\. +[A-Z]")
"""But a single letter with a period before a capital may end a sentence; so may what signs part to a single letter."""


def tokens(caption: str) -> str:
    """The words of a caption in lower case, with spaces between, as the official caption tools give them.

    Args:
        caption: any text.

    Returns:
        Its words without punctuation; empty where there are none.
    """
    if not INDEPENDENT.fullmatch(caption) or (". " in caption and MAY_DEPEND.search(caption)):
        return tokens_of_line(caption)
    return " ".join(filter(None, map(tokens_of_piece, caption.split())))


@lru_cache(maxsize=1 << 16)
def tokens_of_piece(piece: str) -> str:
    """`tokens_of_line` of what stands between two spaces; captions repeat most of it."""
    return tokens_of_line(piece)


def tokens_of_line(caption: str) -> str:
    """What `tokens` gives, by the rules alone."""
    line = " ".join(_words(caption.replace("\n", " ") + "\n")).rstrip()
    return " ".join(word for word in line.split(" ") if word not in PUNCTUATION)


def _words(text: str) -> list[str]:
    """The words of a text in lower case, punctuation included."""
    units = _as_units(text)
    lexer = _lexer()
    words = []
    place = 0
    while place < len(units):
        match = lexer.longest(units, place)
        if match is None:
            place += 1
            continue
        number, end = match
        rule = RULES[number]
        if rule.then:
            end = _end_before_what_follows(number, units, place, end)
        end -= rule.left
        word = rule.becomes(units[place:end])
        if word is not None:
            words.append(lower_case(_as_text(word)))
        place = end - rule.again
    return words


def _end_before_what_follows(number: int, units: str, start: int, end: int) -> int:
    """Where a match ends that counted what must follow it: as late as the rule allows."""
    itself, follower = _halves(number)
    places = [place for _, place in itself.matches(units, start, end)]
    return next(p for p in reversed(places) if any(last == end for _, last in follower.matches(units, p, end)))


@cache
def _lexer() -> Automaton:
    return Automaton([f"({rule.pattern})({rule.then})" if rule.then else rule.pattern for rule in RULES], NAMED)


@cache
def _halves(number: int) -> tuple[Automaton, Automaton]:
    rule = RULES[number]
    return Automaton([rule.pattern], NAMED), Automaton([rule.then], NAMED)


def _as_units(text: str) -> str:
    """A text as Java sees it, with two characters for each beyond U+FFFF."""
    if not text or max(text) <= "\uffff":
        return text
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    return "".join(map(chr, units))


def _as_text(units: str) -> str:
    return units if units.isascii() else units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
