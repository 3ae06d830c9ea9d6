"""A word in lower case as Java writes it, which differs from Python in the final sigma alone.

Both write the capital sigma that ends a word as `ς` and any other as `σ`. For Python the word goes on over letters,
marks and a few signs for as long as Unicode's definition of a final sigma says; for Java over a word of its own
making (`BreakIterator`): letters and figures, with a hyphen, an apostrophe or a period between two letters and a
comma or a period between two figures.
"""

import re
import unicodedata

SIGMA = "\u03a3"
CASED_SIGNS = re.compile("[\u02b0-\u02b8\u02c0\u02c1\u02e0-\u02e4\u0345\u037a\u1d2c-\u1d61\u2160-\u217f\u24b6-\u24e9]")
"""What Java takes for cased beside letters that are."""
WITHOUT_SPACES = re.compile(
    "[\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f]"
)
"""Letters of Chinese and Japanese, which are words of their own."""
LETTERS = "ai*(?:ai*|[-.](?=a))*"
FIGURES = "di*(?:di*|[,.](?=d))*"
WORD = re.compile(f"(?:{LETTERS}|{FIGURES})+")
"""A word, over kinds of characters."""


def lower_case(word: str) -> str:
    """A word in lower case."""
    if SIGMA not in word:
        return word.lower()
    kinds = "".join(map(_kind, word))
    lowered = list(word)
    for found in WORD.finditer(kinds):
        cased = [place for place in range(*found.span()) if _is_cased(word[place])]
        for place in range(*found.span()):
            if word[place] == SIGMA:
                lowered[place] = "\u03c2" if cased[0] < place == cased[-1] else "\u03c3"
    return "".join(lowered).replace(SIGMA, "\u03c3").lower()


def _kind(character: str) -> str:
    """a letter, d figure, i ignored, - between letters, `,` between figures, . between either, x anything else."""
    category = unicodedata.category(character)
    if character in "\"'.":
        return "."
    if category in ("Pd", "Pc") or character in "\u00ad\u2027":
        return "-"
    if character in ",\u066b":
        return ","
    if category in ("Mn", "Me", "Cf"):
        return "i"
    if category[0] == "N":
        return "d"
    return "a" if (category[0] == "L" or category == "Mc") and not WITHOUT_SPACES.match(character) else "x"


def _is_cased(character: str) -> bool:
    return unicodedata.category(character) in ("Ll", "Lu", "Lt") or CASED_SIGNS.match(character) is not None
