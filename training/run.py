"""A run is a directory named by the hash of its config, and everything that is known of it is in there:

    config.json       {"kind": class of the config, "config": all of it, "ran_with": what each session ran on}
    curve.jsonl       one line an evaluation
    status.json       {"state": planned | running | finished | failed | interrupted, ...}
    checkpoint/       see `training.checkpoint`
    lock              see `training.lock`

Each file but the curve is replaced whole, and a line of the curve is on disk before training goes on. A finished run's
status has the SHA-256 of its curve; before that, each checkpoint has a curve of its own.
"""

import contextlib
import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from training.config import ConfigError, hash_of, identity, require, to_dict
from training.lock import Lock, TakenError, is_taken

State = Literal["planned", "running", "finished", "failed", "interrupted"]
Record = dict[str, Any]
"""One evaluation: a line of curve.jsonl."""

CONFIG, CURVE, STATUS = "config.json", "curve.jsonl", "status.json"
"""Files of a run's directory."""


class StorageError(Exception):
    """What a run has to keep could not be written. The message is one sentence that says what to do."""


class Run:
    """The directory of one config below `out`.

    Raises:
        ConfigError: `out` cannot hold runs, or the directory holds another config. Nothing has been written then.
    """

    def __init__(self, out: Path, config: Any) -> None:
        self.config = config
        self.folder = out / identity(config)
        self.step = 0
        """Where it stands, for those who watch; whoever trains it keeps it up to date."""
        self.session = uuid.uuid4().hex[:8]
        """Names what this process writes beside the files of the run; the same in all processes that carry it out."""
        self._lock: Lock | None = None
        require_folder(out, "the runs")
        require(
            not (out / CONFIG).exists(),
            f"{out} is itself the folder of a run: name the folder above it, or a new one.",
        )
        if (self.folder / CONFIG).exists():
            require(
                read_config(self.folder) == to_dict(config),
                f"{self.folder} belongs to another config: move it away, or name another folder for the runs.",
            )
            require(
                os.access(self.folder, os.W_OK) or self.state == "finished",
                f"{self.folder} cannot be written to: change its permissions, or name another folder.",
            )

    @property
    def state(self) -> State | None:
        """None where the run has never been written."""
        return read_status(self.folder).get("state")

    def plan(self) -> None:
        """Writes the directory, and leaves it as it is where it exists, even if that came to be in this moment."""
        with _told(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        written = {"kind": type(self.config).__name__, "config": to_dict(self.config), "ran_with": []}
        _write(self.folder / CONFIG, _json(written), replace=False)
        _write(self.folder / STATUS, _json({"state": "planned"}), replace=False)

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Writes the directory, and keeps every other process out of the run for as long as the context lasts.

        Raises:
            TakenError: another process is in, or has just finished it.
        """
        self.plan()
        lock = Lock(self.folder, lambda: self.step)
        lock.take()
        try:
            if self.state == "finished":
                raise TakenError(f"{self.folder} has just been finished by another process.")
            self._lock = lock
            yield
            if read_status(self.folder).get("state") == "finished":
                for path in self.folder.glob("*.json.*.partial"):  # of processes that were killed while they wrote
                    path.unlink(missing_ok=True)
        finally:
            self._lock = None
            lock.release()

    def require_owned(self) -> None:
        """Raises TakenError where the run was owned here and has been taken over since: nothing may be written then."""
        if self._lock is not None:
            self._lock.require()

    def start(self, ran_with: dict[str, Any]) -> None:
        """Writes the directory, with what this session runs on unless the session before ran on the same."""
        self.plan()
        written = _read_json(self.folder / CONFIG)
        if written["ran_with"][-1:] != [ran_with]:
            written["ran_with"].append(ran_with)
            _write(self.folder / CONFIG, _json(written))
        self.set_state("running")

    def set_state(self, state: State, **details: Any) -> None:
        self.require_owned()
        if state == "finished":
            details["curve"] = _digest(_text_of_curve(self.folder))
        _write(self.folder / STATUS, _json({"state": state, **details}))

    def note_failure(self, traceback: str) -> None:
        """Writes why the run failed beside what is known of it, unless it is finished. For whoever carries it out."""
        known = read_status(self.folder)
        if known.pop("state", None) != "finished":
            self.set_state("failed", **{**known, "traceback": traceback})

    def fail(self, traceback: str) -> bool:
        """`note_failure` for those who do not own the run; whether that could be written. One that another process is
        at, or has finished, has not failed."""
        try:
            with self.owned():
                self.note_failure(traceback)
        except (TakenError, StorageError):
            return False
        return True

    def append(self, record: Record) -> None:
        """Adds a line to the curve."""
        self.require_owned()
        with _told(self.folder), open(self.folder / CURVE, "a", encoding="utf-8") as curve:
            curve.write(json.dumps(record) + "\n")
            curve.flush()
            os.fsync(curve.fileno())

    def put_curve(self, copy: Path | None) -> None:
        """Puts the curve back to a copy of it, or to nothing: what a session wrote after its last checkpoint is made
        again."""
        kept = copy.read_text(encoding="utf-8") if copy is not None and copy.exists() else ""
        if kept != _text_of_curve(self.folder):
            _write(self.folder / CURVE, kept)


def require_folder(out: Path, purpose: str) -> None:
    """Raises ConfigError unless this is a folder that can be written to, or can be made one."""
    nearest = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    require(nearest.is_dir(), f"{nearest} is a file: name a folder for {purpose}.")
    require(os.access(nearest, os.W_OK), f"{nearest} cannot be written to: name a folder of your own for {purpose}.")


def run_folders(out: Path) -> list[Path]:
    """The directories of runs below `out`, by name.

    Raises:
        ConfigError: `out` is one itself.
    """
    require(not (out / CONFIG).exists(), f"{out} is itself the folder of a run: name the folder above it.")
    return sorted(path.parent for path in out.glob(f"*/{CONFIG}"))


def read_config(folder: Path) -> dict[str, Any]:
    """The config of a run, as `training.config.to_dict` gives it.

    Raises:
        ConfigError: it cannot be read, or is not the one that the directory is named after.
    """
    written = _read_json(folder / CONFIG)
    config = written.get("config")
    if not isinstance(config, dict):
        raise ConfigError(f"{folder / CONFIG} is not the config of a run: move its folder away.")
    require(
        folder.resolve().name == hash_of(str(written.get("kind")), config),
        f"{folder / CONFIG} is not what the run was started with: undo what was changed, or move its folder away.",
    )
    return config


def read_kind(folder: Path) -> str:
    """The class of a run's config."""
    return str(_read_json(folder / CONFIG).get("kind"))


def read_ran_with(folder: Path) -> dict[str, Any]:
    """What the last session of a run ran on; empty where none has started."""
    sessions = _read_json(folder / CONFIG).get("ran_with") or [{}]
    return dict(sessions[-1])


def read_status(folder: Path) -> dict[str, Any]:
    """What status.json says; empty where there is none."""
    return _read_json(folder / STATUS) if (folder / STATUS).exists() else {}


def read_state(folder: Path) -> str:
    """The state of a run as it is: one that is said to be running, and that no process is at, was killed, which is an
    interruption like others."""
    state = str(read_status(folder).get("state", "planned"))
    return "interrupted" if state == "running" and not is_taken(folder) else state


def read_curve(folder: Path) -> list[Record]:
    """The evaluations so far, without a last line that was cut off while it was written.

    Raises:
        ConfigError: another line is damaged, or a finished run's curve is not as it was when it finished.
    """
    text = _text_of_curve(folder)
    *lines, _ = text.split("\n")
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(dict(json.loads(line)))
        except (ValueError, TypeError) as error:
            where = f"line {number} of {folder / CURVE}"
            raise ConfigError(f"{where} is damaged: restore it, or move its folder away.") from error
    if "curve" in (status := read_status(folder)):
        require(
            status["curve"] == _digest(text),
            f"{folder / CURVE} is not what the run wrote: restore it, or move its folder away.",
        )
    return records


def _text_of_curve(folder: Path) -> str:
    path = folder / CURVE
    # A byte that is no text is a damaged line like others.
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): restore it, or move its folder away.") from error


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"


def _write(path: Path, text: str, replace: bool = True) -> None:
    """Writes a file whole or not at all; without `replace` one that exists stays as it is."""
    if not replace and path.exists():
        return
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.partial")
    with _told(path.parent):
        try:
            with open(beside, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                os.replace(beside, path)
            else:
                _name(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def _name(beside: Path, path: Path) -> None:
    """Gives a file its name unless another process was first."""
    try:
        os.link(beside, path)
    except FileExistsError:
        return
    except OSError as error:
        if path.exists():
            return
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        os.replace(beside, path)  # a file system without hard links


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Makes one sentence of what the system says of a disk."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{folder} could not be written to ({error.strerror or error}): see to the disk, and start the same "
            "command again."
        ) from error
