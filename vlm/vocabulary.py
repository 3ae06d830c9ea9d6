"""From text to token ids and back: the tokenizer of GPT-NeoX-20B, which both families were pretrained with.

    gpt-neox-20b    50,277 tokens, shipped here: what the paper's models read (reference-facts, 2.1)
    world           the same, without all tokens that the drawn world never needs: a tiny model gets by with few rows
    a folder        with a `tokenizer.json`, such as a checkpoint of this package

Text is cut into the same pieces by `world` as by the whole, so that lengths and boundaries are those of the paper: a
box is 18 tokens. What the world never says is spelled in smaller pieces, in the end in bytes.
"""

import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from training.config import ConfigError

SHIPPED = ("gpt-neox-20b", "world")
_FOLDER = Path(__file__).parent / "tokenizers"

FILE = "tokenizer.json"
"""Of the vocabulary in a checkpoint."""

END = "<|endoftext|>"
"""Ends an answer. The paper pads with it as well."""

IMAGE_DELIMITER, ROW_SEPARATOR = "###", "&&"
"""What stands around the patches of a picture, and between their rows. (The paper prints `##`; its code has `###`.)"""


class Vocabulary:
    """A tokenizer, and the ids that the layout of a prompt is made of.

    Raises:
        ConfigError: it lacks one of the tokens of the layout.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.end = self._one(END)
        self.image_delimiter = self._one(IMAGE_DELIMITER)
        self.row_separator = self._one(ROW_SEPARATOR)
        # Instructions, answers and most words of questions come again and again.
        self._remembered = functools.lru_cache(2**16)(lambda text: tuple(self._ids(text)))

    @property
    def rows(self) -> int:
        """Ids that there are, from 0 on: the least rows of an embedding."""
        return int(self.tokenizer.get_vocab_size())

    def encode(self, text: str) -> tuple[int, ...]:
        """Its ids. Nothing is put before or after it."""
        return self._remembered(text)

    def decode(self, ids: Iterable[int]) -> str:
        """Their text, with end tokens in it."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False))

    def save(self, folder: Path) -> None:
        """Writes `tokenizer.json` into a folder."""
        self.tokenizer.save(str(folder / FILE))

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def _one(self, text: str) -> int:
        ids = self._ids(text)
        if len(ids) != 1 or self.decode(ids) != text:
            raise ConfigError(f"the tokenizer has no token {text!r}: take one of GPT-NeoX or Pythia.")
        return ids[0]


@functools.cache
def read_vocabulary(name_or_folder: str) -> Vocabulary:
    """A vocabulary that is shipped, or the one in a folder.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    folder = Path(name_or_folder)
    path = _FOLDER / f"{name_or_folder}.json" if name_or_folder in SHIPPED else folder / FILE
    if not path.is_file():
        raise ConfigError(f"vocabulary must be {', '.join(SHIPPED)} or a folder with a {FILE}, not {name_or_folder!r}.")
    try:
        return Vocabulary(Tokenizer.from_file(str(path)))
    except ConfigError:
        raise
    except Exception as error:  # what tokenizers raises has no type of its own
        raise ConfigError(f"{path} is not a tokenizer: copy it again.") from error


def restrict(vocabulary: Vocabulary, texts: Iterable[str]) -> Vocabulary:
    """The vocabulary without what these texts do not need: single bytes stay, the tokens of the texts, those that they
    are merged from, and the tokens of the layout. The texts keep their pieces; ids are counted anew, in the old order.
    """
    whole: dict[str, Any] = json.loads(vocabulary.tokenizer.to_str())
    ids: dict[str, int] = whole["model"]["vocab"]
    merges = [tuple(merge) for merge in whole["model"]["merges"]]
    parts = {"".join(merge): merge for merge in reversed(merges)}  # the first merge that makes a token is its own
    token_of = {number: token for token, number in ids.items()}
    used = {number for text in [IMAGE_DELIMITER, ROW_SEPARATOR, *texts] for number in vocabulary.encode(text)}
    kept = {token for token in ids if len(token) == 1}
    open_tokens = [token_of[number] for number in used if number in token_of]
    while open_tokens:
        token = open_tokens.pop()
        if token not in kept:
            kept.add(token)
            open_tokens.extend(parts.get(token, ()))
    # Runs of spaces are added tokens of this tokenizer: they stand beside the merges, at the end.
    added = [token for token in whole["added_tokens"] if token["special"] or token["id"] in used]
    numbers = {token["content"]: token["id"] for token in added} | {token: ids[token] for token in kept}
    in_order = sorted(numbers, key=lambda token: numbers[token])
    number_of = {token: number for number, token in enumerate(in_order)}
    whole["added_tokens"] = [{**token, "id": number_of[token["content"]]} for token in added]
    whole["model"]["vocab"] = {token: number for token, number in number_of.items() if token in ids}
    whole["model"]["merges"] = [merge for merge in merges if {*merge, "".join(merge)} <= kept]
    return Vocabulary(Tokenizer.from_str(json.dumps(whole)))
