"""A run is a directory named by the hash of its config, and everything that is known of it is in there:

    config.json       {"config": the whole config, "ran_with": versions, kernels and device of each session}
    curve.jsonl       one line an evaluation
    status.json       {"state": planned | running | finished | failed | interrupted, ...}
    checkpoint/       see `training.checkpoint`
    lock              held by the process that runs it

Each file but the curve is replaced whole, and a line of the curve is on disk before training goes on.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

from training.config import ConfigError, identity, require, to_dict

State = Literal["planned", "running", "finished", "failed", "interrupted"]
Record = dict[str, Any]
"""One evaluation: a line of curve.jsonl."""


class TakenError(ConfigError):
    """Another process is at this run."""


class Run:
    """The directory of one config below `out`.

    Raises:
        ConfigError: `out` cannot hold runs, or the directory holds another config. Nothing has been written then.
    """

    def __init__(self, out: Path, config: Any) -> None:
        self.config = config
        self.folder = out / identity(config)
        require_folder(out, "the runs")
        require(
            not (out / "config.json").exists(),
            f"{out} is itself the folder of a run: name the folder above it, or a new one.",
        )
        if (self.folder / "config.json").exists():
            require(
                read_config(self.folder) == to_dict(config),
                f"{self.folder} belongs to another config: move it away, or name another folder for the runs.",
            )

    @property
    def state(self) -> State | None:
        """None where the run has never been written."""
        return read_status(self.folder).get("state")

    def plan(self) -> None:
        """Writes the directory, and leaves it as it is where it exists. A run that failed is to be run again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "config.json").exists():
            _replace(self.folder / "config.json", {"config": to_dict(self.config), "ran_with": []})
        if self.state in (None, "failed"):
            self.set_state("planned")

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Writes the directory, and keeps every other process out of the run for as long as the context lasts: the
        system lets go of the lock when this process ends, whatever of.

        Raises:
            TakenError: another process is in, or has just finished it.
        """
        self.plan()
        with open(self.folder / "lock", "w", encoding="utf-8") as lock:
            if not _locked(lock):
                raise TakenError(f"{self.folder} is being run by another process: wait for it to end, or stop it.")
            if self.state == "finished":
                raise TakenError(f"{self.folder} has just been finished by another process.")
            yield

    def start(self, ran_with: dict[str, Any]) -> None:
        """Writes the directory, with what this session runs on unless the session before ran on the same."""
        self.plan()
        written = _read_json(self.folder / "config.json")
        if written["ran_with"][-1:] != [ran_with]:
            written["ran_with"].append(ran_with)
            _replace(self.folder / "config.json", written)
        self.set_state("running")

    def set_state(self, state: State, **details: Any) -> None:
        _replace(self.folder / "status.json", {"state": state, **details})

    def append(self, record: Record) -> None:
        """Adds a line to the curve."""
        with open(self.folder / "curve.jsonl", "a", encoding="utf-8") as curve:
            curve.write(json.dumps(record) + "\n")
            curve.flush()
            os.fsync(curve.fileno())

    def cut(self, step: int) -> None:
        """Drops the lines after this step: what a session wrote beyond its last checkpoint is made again."""
        kept = [record for record in read_curve(self.folder) if record["step"] <= step]
        _replace_text(self.folder / "curve.jsonl", "".join(json.dumps(record) + "\n" for record in kept))


def require_folder(out: Path, purpose: str) -> None:
    """Raises ConfigError unless this is a folder that can be written to, or can be made one."""
    nearest = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    require(nearest.is_dir(), f"{nearest} is a file: name a folder for {purpose}.")
    require(os.access(nearest, os.W_OK), f"{nearest} cannot be written to: name a folder of your own for {purpose}.")


def run_folders(out: Path) -> list[Path]:
    """The directories of runs below `out`, by name."""
    return sorted(path.parent for path in out.glob("*/config.json"))


def read_config(folder: Path) -> dict[str, Any]:
    """The config of a run, as `training.config.to_dict` gives it."""
    config = _read_json(folder / "config.json").get("config")
    if not isinstance(config, dict):
        raise ConfigError(f"{folder / 'config.json'} is not the config of a run: move its folder away.")
    return config


def read_ran_with(folder: Path) -> dict[str, Any]:
    """What the last session of a run ran on; empty where none has started."""
    sessions = _read_json(folder / "config.json").get("ran_with") or [{}]
    return dict(sessions[-1])


def read_status(folder: Path) -> dict[str, Any]:
    """What status.json says; empty where there is none."""
    return _read_json(folder / "status.json") if (folder / "status.json").exists() else {}


def read_state(folder: Path) -> str:
    """The state of a run as it is: one that is said to be running, and that no process is at, was killed, which is an
    interruption like others."""
    state = str(read_status(folder).get("state", "planned"))
    return "interrupted" if state == "running" and not _is_taken(folder) else state


def _locked(lock: IO[str], attempts: int = 5) -> bool:
    """Takes the lock, or gives up: a process that only looks whether it is free holds it for a moment."""
    for attempt in range(attempts):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.02 * attempt)
    return False


def _is_taken(folder: Path) -> bool:
    """Whether a process holds the lock of a run."""
    try:
        with open(folder / "lock", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def read_curve(folder: Path) -> list[Record]:
    """The evaluations so far, without a last line that was cut off while it was written.

    Raises:
        ConfigError: another line is damaged.
    """
    path = folder / "curve.jsonl"
    if not path.exists():
        return []
    *lines, _ = path.read_text(encoding="utf-8").split("\n")
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(dict(json.loads(line)))
        except (ValueError, TypeError) as error:
            raise ConfigError(f"line {number} of {path} is damaged: restore it, or move its folder away.") from error
    return records


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): restore it, or move its folder away.") from error


def _replace(path: Path, value: dict[str, Any]) -> None:
    _replace_text(path, json.dumps(value, indent=2) + "\n")


def _replace_text(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".partial")
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
