r"""What a word is to the official caption tools: patterns in the notation of `automaton`, and what becomes of matches.

The tools (pycocoevalcap) cut captions with the Penn Treebank tokenizer of Stanford CoreNLP 3.4.1, a lexer made with
JFlex. Its specification is published for versions before and after this one (`PTBLexer.flex`); what holds for this one
was settled by walking its compiled tables and the automaton of these rules side by side until no text was left on which
they differ. So the odd patterns are meant: a range from comma to underscore where three characters were thought of,
something that reaches to the next `<`, letters as Unicode 6.1 knew them, and marks beside them that count as letters.

A rule is a pattern, what must follow the match without being part of it, how much of the match is left for the next
word or read once more, and the word the match becomes. Upper case stays, for some rules depend on it; the tokenizer
lowers words at the end.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass


def as_written(match: str) -> str:
    return match


def nothing(match: str) -> None:
    """A match that makes no word."""


def whole_word(match: str) -> str:
    """Without soft hyphens; where nothing else was there, a hyphen."""
    return match.replace("\u00ad", "") or "-"


def dashes(match: str) -> str:
    return "--" if len(match) in (3, 4) else match


def ampersands(match: str) -> str:
    return re.sub("&amp;", "&", match, flags=re.IGNORECASE | re.ASCII)


def hard_spaces(match: str) -> str:
    """With spaces that do not break, so that it is one word to whoever splits at spaces."""
    return match.replace(" ", "\u00a0")


def round_brackets(match: str) -> str:
    return match.replace("(", "-LRB-").replace(")", "-RRB-")


def telephone(match: str) -> str:
    return round_brackets(hard_spaces(match))


QUOTES = {
    **dict.fromkeys("\u0091\u2018\u201b\u2039", "`"),
    **dict.fromkeys("\u0092\u2019\u203a", "'"),
    **dict.fromkeys("\u0093\u201c\u00ab", "``"),
    **dict.fromkeys("\u0094\u201d\u00bb", "''"),
}
CLOSING = str.maketrans({**QUOTES, '"': "''"})
OPENING = str.maketrans({**QUOTES, '"': "``", "'": "`"})
OTHERS = str.maketrans(
    {
        "\u00bc": "1/4",
        "\u00bd": "1/2",
        "\u00be": "3/4",
        "\u2153": "1/3",
        "\u2154": "2/3",
        "\u00a2": "cents",
        "\u00a3": "#",
        **dict.fromkeys("\u0080\u00a4\u20a0\u20ac", "$"),
        "[": "-LSB-",
        "]": "-RSB-",
        "{": "-LCB-",
        "}": "-RCB-",
        "(": "-LRB-",
        ")": "-RRB-",
    }
)


def closing(match: str) -> str:
    """Quotation marks and apostrophes as they stand at the end of what is quoted."""
    return match.replace("&apos;", "'").replace("&quot;", '"').translate(CLOSING)


def opening(match: str) -> str:
    """Quotation marks as they stand at its beginning."""
    return match.replace("&apos;", "'").replace("&quot;", '"').translate(OPENING)


def spelled(match: str) -> str:
    """A fraction, a currency or a bracket of one character in ASCII; not all of them have a form in it."""
    return match.translate(OTHERS)


def always(word: str) -> Callable[[str], str]:
    return lambda match: word


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A pattern and what becomes of its matches.

    Attributes:
        pattern: what is matched.
        then: what must follow; it counts for the length of the match, but is left for the next word.
        left: how many characters at the end of the match are left for the next word.
        again: how many at the end of the word are read once more.
        becomes: the word a match makes, or nothing.
    """

    pattern: str
    then: str = ""
    left: int = 0
    again: int = 0
    becomes: Callable[[str], str | None] = as_written


RULES = [
    Rule(pattern=r"c\+\+|[cCfF]#"),
    Rule(pattern="cannot", left=3),
    Rule(pattern="'twas", left=3),
    Rule(pattern="'tis|gonna|gotta|lemme|gimme|wanna", left=2),
    Rule(pattern="{tag}", becomes=hard_spaces),
    Rule(pattern=r"&(MD|mdash|ndash);|[\u0096\u0097\u2013\u2014\u2015]", becomes=always("--")),
    Rule(pattern="&amp;", becomes=ampersands),
    Rule(pattern="&(HT|TL|UR|LR|QC|QL|QR|odq|cdq|#[0-9]+);"),
    # Words, and what can hang on them.
    Rule(pattern="{word}", then="{clitic}", becomes=whole_word),
    Rule(pattern="{before-not}", then="{not}", becomes=whole_word),
    Rule(pattern="{word}", becomes=whole_word),
    Rule(pattern="{with-apostrophe}"),
    Rule(pattern="y{apostrophe}", then="{alpha}"),
    Rule(pattern="{url}|{bare-url}|{email}"),
    Rule(pattern="@[a-zA-Z_][a-zA-Z_0-9]*|#{letter}+"),
    Rule(pattern="{clitic}", then="[^A-Za-z]", becomes=closing),
    Rule(pattern="{not}", then="[^A-Za-z]", becomes=closing),
    # Numbers.
    Rule(pattern=r"{digit}{1,2}[\-/]{digit}{1,2}[\-/]{digit}{2,4}"),
    Rule(pattern=r"[\-+]?({number})", becomes=whole_word),
    Rule(pattern=r"[\u207a\u207b\u208a\u208b]?([\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+|[\u2080-\u2089]+)"),
    Rule(pattern="{fraction}", becomes=hard_spaces),
    Rule(pattern=r"[\u00bc\u00bd\u00be\u2153-\u215e]", becomes=spelled),
    Rule(
        pattern="-(RRB|LRB|RCB|LCB|RSB|LSB)-|C\\.D\\.s|pro-|anti-|S(&|&amp;)(P-500|Ls)|(Cap{apostrophe}n)|c{apostrophe}est",
        becomes=ampersands,
    ),
    Rule(pattern="{slashed}"),
    Rule(pattern=r"[A-Z]*\$|#"),
    Rule(pattern=r"[\u0080\u00a2-\u00a5\u060b\u0e3f\u20a0\u20a4\u20ac\uffe0\uffe1\uffe5\uffe6]", becomes=spelled),
    # Abbreviations. Behind one that can end a sentence, the period is read once more.
    Rule(pattern=r"[A-Za-z]\.", then="{blank}+{opener}{blank}", left=1),
    Rule(pattern=r"({initials})\.", then="{blank}+{opener}{blank}", again=1),
    Rule(pattern="{before-number}", then="{blank}?{digit}"),
    Rule(pattern=r"(pt[eyEY]|co)\.", then="{space}(ltd|lim)"),
    Rule(pattern="{shortened}", then="{blank}({blank}|{capital}|{tag})", again=1),
    Rule(pattern="{shortened}", then="[^][^]"),
    Rule(pattern="{shortened}", again=1),
    Rule(pattern=r"({title})\."),
    Rule(pattern="{title}", then="{space}"),
    Rule(pattern="[A-Za-z]|{initials}", then="{blank}"),
    Rule(pattern="{apostrophe}[0-9][0-9]", then="{blank}"),
    Rule(pattern="{file}", then="{blank}|[.?!,]"),
    Rule(pattern=r"{word}\.", then="{pause}", becomes=whole_word),
    Rule(pattern="{telephone}", becomes=telephone),
    # Signs.
    Rule(pattern='"|&quot;', then="[A-Za-z0-9$]", becomes=opening),
    Rule(pattern='"|&quot;', becomes=closing),
    Rule(pattern=r"\u007f", becomes=nothing),
    Rule(pattern="<|&lt;", becomes=always("<")),
    Rule(pattern=">|&gt;", becomes=always(">")),
    Rule(pattern=r"[<>]?[:;=][\-o*']?[()DPdpO\\{@|\[\]]", then="[^A-Za-z0-9]", becomes=round_brackets),
    Rule(
        pattern=r"[\^x=~<>]\.\[\^x=[^<]*<>\]|[\-\^x=~<>']_[\-\^x=~<>']"
        r"|\([\-\^x=~<>'][_.]?[\-\^x=~<>']\)|\([\^x=~<>']-[\^x=~<>'`]\)",
        becomes=round_brackets,
    ),
    Rule(pattern=r"[\[\](){}]", becomes=spelled),
    Rule(pattern="-+", becomes=dashes),
    Rule(pattern=r"\.{3,5}|(\.[ \u00a0]){2,4}\.|[\u0085\u2026]", becomes=always("...")),
    Rule(pattern=r"@+|#+|_+|\*+|(\\\*){1,3}|{pause}|[?!]+|=|/"),
    Rule(pattern=r"[.\u00a1\u00bf\u037e\u0589\u061f\u06d4\u0700-\u0702\u07fa\u3002]"),
    # Words of several parts.
    Rule(pattern=r"{hyphened-figures}\.", then="{pause}", becomes=whole_word),
    Rule(pattern="{hyphened-figures}", becomes=whole_word),
    Rule(pattern=r"{hyphened}\.", then="{pause}"),
    Rule(pattern="{hyphened}"),
    Rule(pattern=r"{joined-capitals}\.", then="{pause}", becomes=ampersands),
    Rule(pattern="{joined-capitals}", becomes=ampersands),
    # Apostrophes and quotes that no word has claimed.
    Rule(pattern="'", then=r"[A-Za-z][^ \u0009\u000a\u000d\u00a0]", becomes=opening),
    Rule(pattern="{clitic}|{not}", becomes=closing),
    Rule(
        pattern=r"{apostrophe}|''|[`\u2018\u2019\u201a-\u201f\u0091-\u0094\u2039\u203a\u00ab\u00bb]{1,2}",
        becomes=closing,
    ),
    Rule(pattern="<<|>>"),
    Rule(
        pattern=r"[+%&~\^|\\\u00a6-\u00a9\u00ac\u00ae-\u00b4\u00b6-\u00b8\u00d7\u00f7\u0387"
        r"\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u0603\u0606-\u060a\u060c\u0614\u061b\u061e\u066a\u066d\u0703-\u070d\u07f6-\u07f8\u0964\u0965\u0e4f\u1fbd"
        r"\u2016\u2017\u2020-\u2023\u2030-\u2038\u203b\u203e-\u2042\u2044\u207a-\u207f\u208a-\u208e\u2100-\u214f\u2190-\u2bff\u3012\u30fb"
        r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]",
    ),
    Rule(pattern=r"\u0000|{space}+|[\u200b\u200e\u200f\ufeff]|{newline}|&nbsp;", becomes=nothing),
]
"""Of two that match as much, the first wins. A character at which none of them matches is left out."""
