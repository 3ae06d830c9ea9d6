"""The words of a caption, as the Java tokenizer of the official caption tools gives them."""

import re

WORD = re.compile(r"'s\b|\w+(?:-\w+)*")


def tokens(caption: str) -> str:
    """The words of a caption in lower case, with spaces between: without punctuation, `'s` apart and words with hyphens
    whole, as the Java tokenizer of the tool gives them for captions without contractions, brackets and decimals."""
    return " ".join(WORD.findall(caption.lower()))
