"""A caption's words are the official tool's: it runs beside ours where there is a Java, and frozen words stand in."""

import random
import shutil
import subprocess
import sys

import pytest
from caption_texts import captions, plain
from caption_tokens import CAPTION_TOKENS
from compiled_lexer import JAR
from hypothesis import given
from hypothesis import strategies as st
from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS

from vlm.evaluate.metrics.tokenizer.tokens import tokens, tokens_of_line

BETWEEN = "'|\"|<|"
"""A line between captions that ends whatever a caption leaves open, quotations and markup, and begins nothing."""
BETWEEN_IN_WORDS = "' | '' | < |"
SIGNS = " abcdeglmnorstwACTU.,!?'\"-:;()[]{}&@#$%^*_=+/\\|~`>"


@pytest.fixture
def java_tokens(tmp_path):
    """The official tool's words of captions: its Java called as it calls it, with a line of ours between captions."""
    if shutil.which("java") is None:
        pytest.skip("there is no Java on this machine")

    def words(some):
        file = tmp_path / "captions.txt"
        lines = (caption.replace("\n", " ") + f"\n{BETWEEN}\n" for caption in some)
        file.write_text("".join(lines), encoding="utf-8", newline="")
        tool = ["java", "-cp", str(JAR), "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase", file]
        output = subprocess.run(tool, check=True, capture_output=True).stdout.decode()
        found = f"\n{output}".split(f"\n{BETWEEN_IN_WORDS}\n")
        assert found.pop() == ""
        return [cleaned(" ".join(line for line in caption.split("\n") if line)) for caption in found]

    return words


def cleaned(line):
    """A line of the tool's Java as its Python leaves it."""
    return " ".join(word for word in line.rstrip().split(" ") if word not in PUNCTUATIONS)


@pytest.mark.parametrize(("caption", "words"), CAPTION_TOKENS)
def test_a_caption_has_the_words_that_the_official_tool_gave(caption, words):
    assert tokens(caption) == words


def test_the_frozen_words_are_still_the_official_tools(java_tokens):
    assert java_tokens([caption for caption, _ in CAPTION_TOKENS]) == [words for _, words in CAPTION_TOKENS]


def test_ten_thousand_captions_of_many_kinds_have_the_official_tools_words(java_tokens):
    some = captions(10_000, seed=0)
    differing = [
        (caption, words) for caption, words in zip(some, java_tokens(some), strict=True) if tokens(caption) != words
    ]
    assert differing == []


def test_texts_of_any_characters_have_the_official_tools_words(java_tokens):
    generator = random.Random(1)
    letters = [chr(one) for one in range(sys.maxunicode + 1) if not 0xD800 <= one < 0xE000]
    pool = letters[:0x300] * 400 + letters
    some = ["".join(generator.choices(pool, k=generator.randint(0, 12))) for _ in range(2000)]
    differing = [(text, words) for text, words in zip(some, java_tokens(some), strict=True) if tokens(text) != words]
    assert differing == []


def test_a_capital_sigma_ends_a_word_where_the_official_tools_java_says_so(java_tokens):
    generator = random.Random(2)
    some = ["".join(generator.choices("ΣΣΣaBβ1.'-_,ª\u0301犬/", k=generator.randint(1, 8))) for _ in range(2000)]
    differing = [(text, words) for text, words in zip(some, java_tokens(some), strict=True) if tokens(text) != words]
    assert differing == []


@given(st.text(SIGNS) | st.text())
def test_words_are_the_same_piece_by_piece_and_line_by_line(caption):
    assert tokens(caption) == tokens_of_line(caption)


def test_words_of_captions_of_many_kinds_are_the_same_piece_by_piece_and_line_by_line():
    for caption in captions(5000, seed=3):
        assert tokens(caption) == tokens_of_line(caption), caption


def test_most_plain_captions_are_taken_piece_by_piece(monkeypatch):
    generator = random.Random(4)
    by_line = []
    monkeypatch.setattr("vlm.evaluate.metrics.tokenizer.tokens.tokens_of_line", by_line.append)
    monkeypatch.setattr("vlm.evaluate.metrics.tokenizer.tokens.tokens_of_piece", str)
    for _ in range(1000):
        tokens(plain(generator))
    assert len(by_line) < 50


@given(st.text(st.characters(min_codepoint=0xD700, max_codepoint=0xE010), max_size=8))
def test_half_a_character_is_no_word_and_no_error(text):
    """Python strings can hold halves of UTF-16 pairs, which no file of captions can."""
    words = tokens(f"a {text} dog at http://a.b/{text}")
    assert words.encode().decode() == words
