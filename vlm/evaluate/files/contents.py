"""JSON and JSON lines, told apart by what a file holds and not by its name."""

import json
from pathlib import Path
from typing import Any

from vlm.data.scanner import WHITE
from vlm.evaluate.files.truth import FileError

SHOWN = 60
"""Characters of a value that is not what it should be, in a sentence on it."""


def read_values(path: Path) -> Any:
    """The value that a JSON file holds; the list of those of its lines where each is a value of its own.

    Raises:
        FileError: there is no such file, or it is not JSON in UTF-8, or empty.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}): name a file of predictions.") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8, from byte {error.start:,} on: save it as UTF-8.") from error
    if not text.strip(WHITE):
        raise FileError(f"{path} is empty: name a file that holds predictions.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data"):  # nor is the first line JSON
            raise FileError(f"{path} is not JSON ({error.msg}, line {error.lineno:,}): write it again.") from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is not JSON that can be read ({error}): write it again.") from error
    return [
        _value(line, f"{path}, line {number:,}")
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip(WHITE)
    ]


def beginning_of(value: Any) -> str:
    """A value as JSON, for a sentence."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _value(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise FileError(f"{place} is not JSON ({what}): write the file again.") from error
