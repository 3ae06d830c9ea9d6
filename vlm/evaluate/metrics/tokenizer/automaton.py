"""Patterns tried side by side: the longest match wins, and on a tie the pattern that stands first.

`re` takes the first alternative that matches and not the longest, so a table with these rules needs an automaton.
Patterns become the positions of Glushkov (The abstract theory of automata, 1961): one for each character in a
pattern, and which can follow which. A state is the set of positions a text has reached. It is made when a first text
reaches it and kept, so that from then on a character costs one look-up in a dictionary, however many patterns there
are.

The notation is the one lexers are written in (JFlex's), cut down to what is used: a letter stands for both its cases,
`[a-z]` and `[^a-z]` for exactly these characters and all others, `{name}` for a pattern or a set of that name,
`x{2,4}` for a repetition, a backslash for the character behind it and `\\u00a0` for the character of that number.
Texts are strings of UTF-16 units.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

CharacterSet = Callable[[str], bool]

OTHER_CASES = {"i": "\u0130\u0131", "s": "\u017f", "k": "\u212a"}
"""What else is an ASCII letter when case is ignored: the Turkish i's, the long s, the Kelvin sign."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a pattern: the positions it can begin and end with, and whether it can be empty."""

    first: frozenset[int]
    last: frozenset[int]
    empty: bool


@dataclass(eq=False, kw_only=True)
class State:
    """What positions a text has reached, which pattern ends here, if any, and the states that characters lead to."""

    positions: frozenset[int]
    accepts: int | None
    following: dict[str, "State | None"] = field(default_factory=dict)


class Automaton:
    """Several patterns as one.

    Args:
        patterns: the patterns, the one that wins a tie first. None of them matches an empty text.
        named: what `{name}` stands for.
    """

    def __init__(self, patterns: Sequence[str], named: Mapping[str, str | CharacterSet]) -> None:
        self.sets: list[CharacterSet] = []
        self._follows: list[set[int]] = []
        self._ends: dict[int, int] = {}
        self._first: set[int] = set()
        for number, pattern in enumerate(patterns):
            whole = _Reader(pattern, named, self.sets, self._follows).whole()
            self._first |= whole.first
            for position in whole.last:
                self._ends[position] = number
        self.start = State(positions=frozenset(), accepts=None)
        self._states: dict[frozenset[int], State] = {}

    def longest(self, text: str, start: int) -> tuple[int, int] | None:
        """The number of the pattern that matches most of `text` from `start` on, and its end; None where none does."""
        return max(self.matches(text, start, len(text)), key=itemgetter(1), default=None)

    def matches(self, text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """The pattern and end of every match that begins at `start` and ends no later than `stop`, shortest first."""
        state = self.start
        for place in range(start, stop):
            character = text[place]
            following = state.following.get(character) or self.after(state, character)
            if following is None:
                return
            state = following
            if state.accepts is not None:
                yield state.accepts, place + 1

    def after(self, state: State, character: str) -> State | None:
        """The state that a character leads to; made and remembered where nothing has led there yet."""
        if character in state.following:
            return state.following[character]
        followers = [self._follows[position] for position in state.positions] or [self._first]
        reached = frozenset(position for position in set().union(*followers) if self.sets[position](character))
        following = None
        if reached:
            following = self._states.get(reached)
            if following is None:
                ends = [self._ends[position] for position in reached if position in self._ends]
                following = State(positions=reached, accepts=min(ends, default=None))
                self._states[reached] = following
        state.following[character] = following
        return following


class _Reader:
    """Reads one pattern, and adds a position to `sets` and `follows` for each of its characters."""

    def __init__(
        self,
        pattern: str,
        named: Mapping[str, str | CharacterSet],
        sets: list[CharacterSet],
        follows: list[set[int]],
    ) -> None:
        self._pattern = pattern
        self._named = named
        self._sets = sets
        self._follows = follows
        self._place = 0

    def whole(self) -> Part:
        part = self._alternatives()
        if self._next():
            raise ValueError(f"The pattern {self._pattern} closes a bracket at {self._place} that it has not opened.")
        return part

    def _next(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _take(self) -> str:
        self._place += 1
        return self._pattern[self._place - 1]

    def _alternatives(self) -> Part:
        parts = [self._sequence()]
        while self._next() == "|":
            self._take()
            parts.append(self._sequence())
        return Part(
            first=frozenset().union(*(part.first for part in parts)),
            last=frozenset().union(*(part.last for part in parts)),
            empty=any(part.empty for part in parts),
        )

    def _sequence(self) -> Part:
        part = Part(first=frozenset(), last=frozenset(), empty=True)
        while self._next() not in ("", "|", ")"):
            part = self._joined(part, self._repeated())
        return part

    def _repeated(self) -> Part:
        begin = self._place
        part = self._single()
        source = self._pattern[begin : self._place]
        sign = self._next()
        if sign and sign in "*+?":
            self._take()
            if sign != "?":
                self._link(part.last, part.first)
            return part if sign == "+" else _or_nothing(part)
        if sign == "{" and self._pattern[self._place + 1].isdigit():
            least, _, most = self._braced().partition(",")
            return self._counted(part, source, least=int(least), most=int(most or least))
        return part

    def _counted(self, part: Part, source: str, *, least: int, most: int) -> Part:
        """`source`, which `part` is the first copy of, from `least` to `most` times: x{2,4} is xx(x(x)?)?."""
        more = [_Reader(source, self._named, self._sets, self._follows).whole() for _ in range(most - 1)]
        tail = Part(first=frozenset(), last=frozenset(), empty=True)
        for number, copy in reversed(list(enumerate([part, *more]))):
            tail = self._joined(copy, tail)
            if number >= least:
                tail = _or_nothing(tail)
        return tail

    def _single(self) -> Part:
        character = self._take()
        if character == "(":
            part = self._alternatives()
            if self._next() != ")":
                raise ValueError(f"The pattern {self._pattern} opens a bracket that it does not close.")
            self._take()
            return part
        if character == "[":
            return self._position(self._bracketed())
        if character == "{":
            self._place -= 1
            named = self._named[self._braced()]
            if isinstance(named, str):
                return _Reader(named, self._named, self._sets, self._follows).whole()
            return self._position(named)
        if character == "\\":
            character = self._escaped()
        return self._position(_cases(character).__contains__)

    def _braced(self) -> str:
        begin, end = self._place + 1, self._pattern.index("}", self._place)
        self._place = end + 1
        return self._pattern[begin:end]

    def _bracketed(self) -> CharacterSet:
        negated = self._next() == "^"
        if negated:
            self._take()
        some: set[str] = set()
        while self._next() != "]":
            low = high = self._member()
            if self._next() == "-":
                self._take()
                high = self._member()
            some.update(map(chr, range(ord(low), ord(high) + 1)))
        self._take()
        characters = frozenset(some)
        return (lambda character: character not in characters) if negated else characters.__contains__

    def _member(self) -> str:
        character = self._take()
        return self._escaped() if character == "\\" else character

    def _escaped(self) -> str:
        character = self._take()
        if character != "u":
            return character
        self._place += 4
        return chr(int(self._pattern[self._place - 4 : self._place], 16))

    def _position(self, characters: CharacterSet) -> Part:
        self._sets.append(characters)
        self._follows.append(set())
        here = frozenset([len(self._sets) - 1])
        return Part(first=here, last=here, empty=False)

    def _joined(self, one: Part, two: Part) -> Part:
        self._link(one.last, two.first)
        return Part(
            first=one.first | two.first if one.empty else one.first,
            last=one.last | two.last if two.empty else two.last,
            empty=one.empty and two.empty,
        )

    def _link(self, ends: frozenset[int], starts: frozenset[int]) -> None:
        for position in ends:
            self._follows[position] |= starts


def _or_nothing(part: Part) -> Part:
    return Part(first=part.first, last=part.last, empty=True)


def _cases(character: str) -> str:
    """A character, and its other case where it is an ASCII letter."""
    if not (character.isascii() and character.isalpha()):
        return character
    return character.lower() + character.upper() + OTHER_CASES.get(character.lower(), "")
