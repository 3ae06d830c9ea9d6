"""Running the Java programs of the caption tools, so that nothing waits for ever and nothing is left running.

What a program reads and writes are files: no pipe can fill up while both sides wait for the other, and where this
process is killed, a program comes to the end of its file and ends by itself.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from vlm.evaluate.metrics.metric import MeasureError

NEEDED = "needs Java, and there is no java on the PATH that runs: install a Java runtime, such as default-jre-headless."


def java_version() -> int | None:
    """Major version of the `java` on the PATH (8, 17, ...); None where there is none, or one that does not run."""
    found = shutil.which("java")
    return _version(found) if found else None


@lru_cache(maxsize=4)
def _version(path: str) -> int | None:
    said = subprocess.run([path, "-version"], capture_output=True, text=True, errors="replace")
    # Until Java 8 the number is the second: version "1.8.0_292".
    number = re.search(r'version "(?:1\.)?(\d+)', said.stderr)
    return int(number[1]) if said.returncode == 0 and number else None


def tool_folder(measure: str) -> Path:
    """Where pycocoevalcap has the program of a measure."""
    tool = find_spec(f"pycocoevalcap.{measure}.{measure}")
    assert tool and tool.origin, "pycocoevalcap is installed with this package"
    return Path(tool.origin).parent


def run_java(what: str, jar: Path, memory: str, arguments: Sequence[str], inputs: Sequence[str] = ("",)) -> list[str]:
    """Runs a jar once for each input, all at once.

    Args:
        what: its name, for errors.
        jar: runs in its own folder, as that is where it looks for its data.
        memory: most that it may take for its objects, as Java writes it, such as 2G.
        inputs: what is written to it.

    Returns:
        What each wrote.

    Raises:
        MeasureError: one of them failed; the others are ended.
    """
    command = ["java", f"-Xmx{memory}", "-jar", jar.name, *arguments]
    with ExitStack() as stack:
        programs = [stack.enter_context(_running(command, jar.parent, text)) for text in inputs]
        for program in programs:
            if code := program.process.wait():
                first = _written(program.error).partition("\n")[0] or "it does not say why"
                raise MeasureError(
                    f"the Java program of {what} failed with code {code} ({first}): "
                    f"see that java runs here, and that {memory} of memory are free for each of {len(inputs)}."
                )
        return [_written(program.output) for program in programs]


@dataclass(frozen=True, kw_only=True)
class _Program:
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    error: IO[bytes]


@contextmanager
def _running(command: Sequence[str], folder: Path, text: str) -> Iterator[_Program]:
    """A program that reads this text; ended at the end, whatever happened."""
    with TemporaryFile() as given, TemporaryFile() as output, TemporaryFile() as error:
        given.write(text.encode("utf-8", "replace"))
        given.seek(0)
        process = subprocess.Popen(command, cwd=folder, stdin=given, stdout=output, stderr=error)
        try:
            yield _Program(process=process, output=output, error=error)
        finally:
            process.kill()
            process.wait()


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace").strip()
