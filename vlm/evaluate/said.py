"""What has been said so far to the questions of a benchmark, on disk: a JSON line each, of a sample's id and a text.

    BENCHMARK.said, BENCHMARK.said.1 ...     one file for each process that asks; any number of them is read back

A line that is damaged, such as a last one that was cut off in the middle of writing, is taken out of its file with all
behind it: that is asked again.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO


class Said:
    """See the module.

    Args:
        predictions: the file that predictions are written to in the end.
    """

    def __init__(self, predictions: Path) -> None:
        self._path = predictions.with_suffix(".said")

    def files(self) -> list[Path]:
        """All that there are."""
        return sorted(self._path.parent.glob(f"{self._path.name}*"))

    def read(self) -> dict[str, str]:
        """Text by sample id."""
        return {name: text for file in self.files() for name, text in _whole_lines(file.read_bytes())[0]}

    def mend(self) -> None:
        """Cuts files where they are damaged. For one process alone, before the others read them."""
        for file in self.files():
            content = file.read_bytes()
            whole = _whole_lines(content)[1]
            if whole < len(content):
                file.write_bytes(content[:whole])

    def open(self, process: int) -> TextIO:
        """The file of a process, to write behind what it holds."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return open(self._path.with_name(f"{self._path.name}{f'.{process}' if process else ''}"), "a", encoding="utf-8")

    def clear(self) -> None:
        """Deletes all of them."""
        for file in self.files():
            file.unlink()


def write(file: TextIO, said: Iterable[tuple[str, str]]) -> None:
    """Ids and texts, so that they are on disk when this returns."""
    file.writelines(json.dumps(one) + "\n" for one in said)
    file.flush()


def _whole_lines(content: bytes) -> tuple[list[tuple[str, str]], int]:
    """What is said up to the first damaged line, and where that begins, in bytes."""
    found: list[tuple[str, str]] = []
    length = 0
    for line in content.splitlines(keepends=True):
        try:
            name, text = json.loads(line)
            is_whole = line.endswith(b"\n") and isinstance(name, str) and isinstance(text, str)
        except (ValueError, TypeError):
            is_whole = False
        if not is_whole:
            break
        found.append((name, text))
        length += len(line)
    return found, length
