"""Running the Java programs of the caption tools, so that nothing waits for ever and nothing is left running.

What a program reads and writes are files: no pipe can fill up while both sides wait for the other, and where this
process is killed, a program comes to the end of its file and ends by itself.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile

from training.config import require

NEEDED = "needs Java, and there is no java on the PATH that runs: install a Java runtime, such as default-jre-headless."


def java_version() -> int | None:
    """Major version of the `java` on the PATH (8, 17, ...); None where there is none, or one that does not run."""
    found = shutil.which("java")
    return _version(found, os.stat(found).st_mtime_ns) if found else None


@lru_cache(maxsize=4)
def _version(path: str, _changed: int) -> int | None:
    said = subprocess.run(
        [path, "-version"], capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL
    )
    # Until Java 8 the number is the second: version "1.8.0_292".
    number = re.search(r'version "(?:1\.)?(\d+)', said.stderr)
    return int(number[1]) if said.returncode == 0 and number else None


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
        ConfigError: one of them failed; the others are ended.
    """
    command = ["java", f"-Xmx{memory}", "-jar", jar.name, *arguments]
    running: list[subprocess.Popen[bytes]] = []
    with ExitStack() as files:
        outputs, errors = [], []
        try:
            for text in inputs:
                given, output, error = (files.enter_context(TemporaryFile()) for _ in range(3))
                given.write(text.encode("utf-8", "replace"))
                given.seek(0)
                running.append(subprocess.Popen(command, cwd=jar.parent, stdin=given, stdout=output, stderr=error))
                outputs.append(output)
                errors.append(error)
            for process, error in zip(running, errors, strict=True):
                if code := process.wait():
                    error.seek(0)
                    said = error.read().decode("utf-8", "replace").strip().splitlines() or ["it did not say why"]
                    require(
                        False,
                        f"the Java program of {what} failed with code {code} ({said[0]}): "
                        f"it may take {memory} of memory beside what else runs; see that there is as much.",
                    )
        finally:
            for process in running:
                process.kill()
                process.wait()
        written = []
        for output in outputs:
            output.seek(0)
            written.append(output.read().decode("utf-8", "replace"))
        return written
