"""Ctrl-C and SIGTERM as a wish, granted at the next good moment, and not as an exception in the middle of one."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that either signal sets, for as long as the context lasts; a second one does what it always does.
    Outside the main thread (a worker of somebody else's) signals are not ours to take, and the event is never set."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def stop(number: int, _: FrameType | None) -> None:
        event.set()
        signal.signal(number, before[number])

    # A handler that was not set from Python cannot be asked for, and cannot be put back.
    before = {int(number): signal.getsignal(number) or signal.SIG_DFL for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
