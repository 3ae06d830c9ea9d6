"""How long work of a command ends before its end: in a sentence, and by no traceback."""

import contextlib
import errno
import signal
import sqlite3
from collections.abc import Iterator

from training.door import INTERRUPTED, stop
from training.run import StorageError


@contextlib.contextmanager
def to_its_end(advice: str) -> Iterator[None]:
    """Long work, which Ctrl-C, a signal or a full disk ends in a sentence."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        stop(f"Interrupted. {advice}", INTERRUPTED)
    except (OSError, sqlite3.OperationalError) as error:
        is_known = isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT)
        way_out = "see that it is there and may be written" if is_known else "make room"
        raise StorageError(f"something could not be written or read ({error}): {way_out}. {advice}") from error
