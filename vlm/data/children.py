"""Processes that work for this one, and end with it whatever it ends of."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

INTERVAL = 0.5
"""Seconds between two looks at whether the parent is there."""


def pool_of(count: int, begin: Callable[..., object] = bool, *arguments: Any) -> ProcessPoolExecutor:
    """Processes of their own, not forks: a fork of a process that has threads can hang.

    Args:
        begin: is called first in each of them, with these arguments.
    """
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, context, _begin, (os.getpid(), begin, arguments))


def end_all() -> None:
    """Ends all processes of this one, whatever they are at."""
    for child in multiprocessing.active_children():
        child.terminate()


def _begin(parent: int, begin: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a process without a word
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    begin(*arguments)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    os._exit(1)
