"""Runs that die, or that stop the sweep above them, in a file that the processes of every engine can import."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from small_runs import at_step

from probe.config import ProbeConfig
from probe.trainer import run_probe
from training.loop import Interrupted


def die_once(config: ProbeConfig, out: Path, *, name: str, place: str, row: int) -> None:
    """A run of this model is killed the first time."""
    if config.model.name == name and not (out / "died").exists():
        (out / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    run_probe(config, out, place=place, row=row)


def stop_the_sweep(config: ProbeConfig, out: Path, *, sweep: int, place: str, row: int) -> None:
    """In the midst of the run the process of the sweep gets Ctrl-C."""

    def interrupt() -> Any:
        os.kill(sweep, signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        at_step(patch, 3, interrupt)
        run_probe(config, out, place=place, row=row)


def preempted_once(folder: Path, *, row: int) -> None:
    """A job that is told to stop the first time, and saves."""
    if not (folder / "saved").exists():
        (folder / "saved").touch()
        raise Interrupted("saved")
