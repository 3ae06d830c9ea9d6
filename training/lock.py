"""One owner of a run, on one machine or on several that share its folder.

    lock    {"host", "pid", "token", "beat", "step"}, written again every few seconds by the process that owns the run;
            empty once it has let go

On one machine the system's lock on that file decides (flock): it is let go of when its process ends, whatever of, so
that nobody waits for the dead. It may mean nothing to another machine; there the heartbeat decides. It counts as alive
if it changes while it is watched: no two clocks are compared, and one that is set back harms nothing.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from training.config import ConfigError

HEARTBEAT = 5.0
"""Seconds between two beats."""

STALE = 60.0
"""Seconds that a lock of another machine is watched: without a beat in them its owner is gone."""

SETTLING = 1.0
"""Seconds after which a lock that two machines took over at once has the name of one of them."""

UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


class TakenError(ConfigError):
    """Another process is at this run."""


@dataclass(frozen=True)
class Owner:
    """Who holds a lock, as the lock says."""

    host: str
    pid: int
    token: str
    beat: int
    step: int

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class Lock:
    """The lock of a run's folder, which has to exist. One object is one owner.

    Args:
        step: gives what the heartbeat tells besides that the owner lives: the step it is at.
    """

    def __init__(self, folder: Path, step: Callable[[], int] = int) -> None:
        self.path = folder / "lock"
        self._step = step
        self._token = uuid.uuid4().hex
        self._beat = 0
        self._file: IO[str] | None = None
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, name=f"heartbeat of {folder.name}", daemon=True)

    def take(self) -> None:
        """Makes this the owner; a lock that its owner left behind is taken over.

        Raises:
            TakenError: another process owns the run.
        """
        try:
            file = open(self.path, "a+", encoding="utf-8")  # noqa: SIM115 (held for as long as the lock is)
        except PermissionError as error:
            raise TakenError(f"{self.path} belongs to another user: leave the run to that.") from error
        try:
            held = _held_by_flock(file)
            before = owner_of(self.path.parent)
            if held is False:
                raise TakenError(f"{self.path.parent} is being run by {before or 'another process'}: leave it to that.")
            foreign = before is not None and not (held and before.host == socket.gethostname())
            if before is not None and foreign and self._changes(before):
                raise TakenError(f"{self.path.parent} is being run by {before}: leave it to that.")
            self._file = file
            self._write()
            if foreign:
                time.sleep(SETTLING)
                self.require()
        except BaseException:
            file.close()
            self._file = None
            raise
        self._thread.start()

    def release(self) -> None:
        """Lets go, and says so to those who read the file."""
        self._released.set()
        if self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(OSError, TakenError):
            self.require()  # what another owner has written since is not ours to empty
            os.truncate(self.path, 0)
        if self._file is not None:
            self._file.close()
            self._file = None

    def require(self) -> None:
        """Raises TakenError where another process has taken the run over, which it may once this one did not beat for
        long: a laptop that slept, a machine that was frozen."""
        owner = owner_of(self.path.parent)
        if owner is not None and owner.token != self._token:
            raise TakenError(f"{self.path.parent} was taken over by {owner} while this process stood still.")

    def _keep_beating(self) -> None:
        while not self._released.wait(HEARTBEAT):
            # A disk that is full, or away for a moment: the run itself will say so when it has something to write.
            with contextlib.suppress(OSError, TakenError):
                self.require()
                self._write()

    def _write(self) -> None:
        """Writes in place: another file of this name would not be the one that is locked."""
        self._beat += 1
        said = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "token": self._token,
            "beat": self._beat,
            "step": self._step(),
        }
        with open(self.path, "r+", encoding="utf-8") as file:
            file.write(json.dumps(said).ljust(200) + "\n")  # one length, so that no half of a longer text stays behind

    def _changes(self, before: Owner) -> bool:
        """Whether the owner that the lock names gives a sign of life while it is watched."""
        print(f"{self.path.parent}: watching whether {before} is alive, {STALE:.0f} s", file=sys.stderr)
        until = time.monotonic() + STALE
        while time.monotonic() < until:
            time.sleep(min(1.0, STALE / 10))
            if owner_of(self.path.parent) != before:
                return True
        return False


def owner_of(folder: Path) -> Owner | None:
    """Who the lock of a run names; None where nobody holds it, or where it is being written at this moment."""
    try:
        said: Any = json.loads((folder / "lock").read_text(encoding="utf-8"))
        return Owner(**said)
    except (OSError, ValueError, TypeError):
        return None


def is_taken(folder: Path) -> bool:
    """Whether somebody seems to be at a run. For those who only look: of another machine it believes a lock that was
    written lately, by the clock of the files, and one that claims to come from the future."""
    owner = owner_of(folder)
    if owner is None:
        return False
    if owner.host != socket.gethostname():
        return time.time() - (folder / "lock").stat().st_mtime < STALE
    try:
        with open(folder / "lock", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        return error.errno in UNSUPPORTED and _is_alive(owner.pid)
    return False


def _held_by_flock(file: IO[str], attempts: int = 5) -> bool | None:
    """Whether the system gives us its lock; None where this file system has none to give."""
    for attempt in range(attempts):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.02 * attempt)  # one who only looks whether it is free holds it for a moment
        except OSError as error:
            if error.errno in UNSUPPORTED:
                return None
            raise
    return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
