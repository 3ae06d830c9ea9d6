"""What is right of a question, as a file of references has it: by the number of the question in its data set."""

from collections.abc import Iterable
from typing import NamedTuple

from training.config import ConfigError


class FileError(ConfigError):
    """A file of predictions or references that cannot be used. The message is one sentence that names it."""


class Truth(NamedTuple):
    """See the module. There are millions of them."""

    number: str
    """As text, whatever the file writes: 7 and "7" are one question."""
    answers: tuple[str, ...]
    """As `vlm.evaluate.predictions` has them; empty where they are not given out."""
    image: str = ""
    """The picture, by the first of its names; empty where the file does not say."""
    group: str = ""
    kind: str = ""
    id: str = ""
    """Of the sample, where there is one."""


def by_number(truths: Iterable[Truth], name: str) -> dict[str, Truth]:
    """Truths by the numbers of their questions.

    Args:
        name: of their file, for sentences.

    Raises:
        FileError: there are none, or two of one number, unless the answers of both are not given out.
    """
    found: dict[str, Truth] = {}
    for truth in truths:
        before = found.setdefault(truth.number, truth)
        if before is not truth and (before.answers or truth.answers):
            raise FileError(f"{name} has {truth.number} twice: keep one of the two.")
    if not found:
        raise FileError(f"{name} holds nothing that is right: name the file that its data set gives out.")
    return found


def shown(names: Iterable[str], most: int = 5) -> str:
    """The first of these names, and how many follow."""
    some = list(names)
    rest = f" and {len(some) - most:,} more" if len(some) > most else ""
    return ", ".join(some[:most]) + rest
