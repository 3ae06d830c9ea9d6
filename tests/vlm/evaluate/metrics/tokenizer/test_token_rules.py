"""The rules are the official lexer: of any text, both match as much, and to the same effect."""

from collections import deque

import pytest
from compiled_lexer import BEGINNING, CompiledLexer

from vlm.evaluate.metrics.tokenizer.automaton import Automaton
from vlm.evaluate.metrics.tokenizer.parts import NAMED, is_capital, is_digit, is_in_word, is_letter
from vlm.evaluate.metrics.tokenizer.rules import RULES

UNKNOWN = 1
"""The tool's action for a character that it has no rule for, which it leaves out."""
EVERY_UNIT = [chr(number) for number in range(0x10000)]


@pytest.fixture(scope="module")
def compiled():
    return CompiledLexer()


def test_letters_digits_and_capitals_are_those_of_the_compiled_lexer(compiled):
    """Units of one kind to it are the same to each of our tests."""
    ours = {}
    for unit in EVERY_UNIT:
        ours.setdefault(compiled.kind(unit), set()).add(
            (is_letter(unit), is_digit(unit), is_in_word(unit), is_capital(unit))
        )
    assert {kind: found for kind, found in ours.items() if len(found) > 1} == {}


@pytest.mark.slow
def test_no_text_is_matched_differently(compiled):
    """Both automata are walked together from their beginnings, over every state and every kind of character."""
    patterns = [f"({rule.pattern})({rule.then})" if rule.then else rule.pattern for rule in RULES]
    automaton = Automaton(patterns, NAMED)
    units = told_apart(automaton, compiled)
    beginning = (automaton.start, BEGINNING)
    shortest = {beginning: ""}
    waiting = deque([beginning])
    actions = {}
    while waiting:
        pair = waiting.popleft()
        for unit, kind in units:
            ours = automaton.after(pair[0], unit) if pair[0] else None
            theirs = compiled.after(pair[1], kind)
            text = shortest[pair] + unit
            rule, action = ours.accepts if ours else None, compiled.action(theirs)
            assert (rule is None) == (action in (None, UNKNOWN)), (
                f"{text!a}: rule {rule} of ours, action {action} of its"
            )
            if rule is not None:
                actions.setdefault(action, {})[rule] = text
            if (ours or theirs is not None) and (ours, theirs) not in shortest:
                shortest[ours, theirs] = text
                waiting.append((ours, theirs))
    assert len(shortest) > 6000
    for action, rules in actions.items():
        effects = {(RULES[rule].left, RULES[rule].becomes) for rule in rules if not RULES[rule].then}
        assert len(effects) <= 1, f"action {action} of its has several effects of ours: {rules}"


def told_apart(automaton, compiled):
    """One UTF-16 unit, and its kind, for all those that neither side tells apart."""
    tests = {id(getattr(test, "__self__", test)): test for test in automaton.sets}.values()
    found = {}
    for unit in EVERY_UNIT:
        kind = compiled.kind(unit)
        found.setdefault((kind, tuple(test(unit) for test in tests)), (unit, kind))
    return list(found.values())
