"""Captions and their references as words: what all measures of captions are computed from.

Each text is tokenised once, whichever measures ask for it: references are asked for by all of them, again for every
model that is scored, and models say many things twice.
"""

from collections.abc import Sequence
from functools import lru_cache

from vlm.evaluate.metrics.tokenizer.tokens import tokens

REMEMBERED = 1 << 19
"""Texts whose words are kept: more than the largest benchmark has, 40,504 pictures with 5 references and a caption."""

words = lru_cache(maxsize=REMEMBERED)(tokens)
"""`tokens`, which remembers."""

Worded = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""n captions, and the references of each, as words with spaces between: hashable, and quick to hash."""


def worded(captions: Sequence[str | None], references: Sequence[Sequence[str | None]]) -> Worded:
    """The words of captions and references. What could not be read (None) has none.

    Args:
        captions: n.
        references: n times one or more.
    """
    return (
        tuple(words(caption or "") for caption in captions),
        tuple(tuple(words(reference or "") for reference in some) for some in references),
    )
