"""How long work of a command ends before its end: in a sentence, and by no traceback."""

import contextlib
import signal
import sqlite3
import sys
from collections.abc import Iterator

import typer

from training.run import StorageError


@contextlib.contextmanager
def to_its_end(advice: str) -> Iterator[None]:
    """Long work, which Ctrl-C, a signal or a full disk ends in a sentence."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        print(f"Interrupted. {advice}", file=sys.stderr)
        raise typer.Exit(130) from None
    except (OSError, sqlite3.OperationalError) as error:
        raise StorageError(f"something could not be written or read ({error}): make room. {advice}") from error
