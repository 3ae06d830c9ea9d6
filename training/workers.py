"""Several runs at once on one machine: a process for each, so many at a time, the threads divided among them.

A process is made for one run and ends with it. One that dies, whatever of, takes its own run with it and no other.
"""

import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

import torch

from training.loop import Interrupted

INTERRUPTED = 130
"""Exit code of a process that was told to stop and has saved its run; what a shell gives for Ctrl-C."""

TAKEN = 75
"""Exit code of a process that found another one at its run (EX_TEMPFAIL of sysexits.h)."""


class Job(Protocol):
    """Something to do, given the row of the terminal to show its progress in. It has to survive pickling."""

    def __call__(self, *, row: int) -> object: ...


def run_all(jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, int]]:
    """Does the jobs, `workers` at a time, in their order; yields (number of a job, exit code) as they end.

    On Ctrl-C or SIGTERM no other is started, and those that run are told to stop and waited for.
    """
    # Spawned and not forked: a fork would share locks of torch's threads that nobody is left to open.
    context = multiprocessing.get_context("spawn")
    threads = max(1, torch.get_num_threads() // workers)
    waiting = list(enumerate(jobs))
    running: dict[Any, tuple[BaseProcess, int]] = {}  # by the handle that ends with the process
    rows = list(range(workers))
    stopped = _stop_signals()
    told = False
    while running or (waiting and not stopped.is_set()):
        while waiting and rows and not stopped.is_set():
            number, job = waiting.pop(0)
            row = rows.pop(0)
            process: BaseProcess = context.Process(target=_work, args=(job, row, threads), name=f"row {row}")
            process.start()
            running[process.sentinel] = (process, number)
        for handle in wait(list(running), timeout=0.5):
            process, number = running.pop(handle)
            process.join()
            rows.append(int(process.name.split()[1]))
            # Told to stop before it could listen for that, a process has nothing to save.
            unheard = stopped.is_set() and process.exitcode in (-signal.SIGINT, -signal.SIGTERM)
            yield number, INTERRUPTED if unheard else process.exitcode or 0
        if stopped.is_set() and not told:
            told = True
            for process, _ in running.values():
                process.terminate()


def _work(job: Job, row: int, threads: int) -> None:
    """The life of a process."""
    torch.set_num_threads(threads)
    try:
        job(row=row)
    except (Interrupted, KeyboardInterrupt):
        sys.exit(INTERRUPTED)


def _stop_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set from here on, for the rest of this process."""
    event = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: event.set())
    return event
