"""Many pictures, checked side by side in processes of their own.

Pictures are handed out in small lots, and no more lots at a time than keep the processes busy: memory does not grow
with the number of pictures.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from vlm.data.children import end_all, pool_of
from vlm.data.errors import DataError
from vlm.data.fingerprint import fingerprint_of_file
from vlm.data.picture_check import Verdict, check_picture

LOT = 64
"""Pictures that are handed out together: a few tens of milliseconds of work."""

AHEAD = 4
"""Lots for each process that wait, or wait to be fetched."""


@dataclass(frozen=True)
class Seen:
    """A picture, as it was found. `content` is the fingerprint of a sound file; broken ones have none."""

    name: str
    verdict: Verdict
    content: int | None


def sweep(folder: Path, names: Iterable[str], workers: int) -> Iterator[Seen]:
    """All pictures, in their order.

    Args:
        folder: that they are named relative to.
        workers: processes; with less than two, everything is done in this one.

    Raises:
        DataError: a process was killed.
    """
    lots = _lots(names)
    if workers < 2:
        for lot in lots:
            yield from _look(folder, lot)
        return
    pool = pool_of(workers)
    under_way: deque[Future[list[Seen]]] = deque()
    try:
        for lot in lots:
            under_way.append(pool.submit(_look, folder, lot))
            if len(under_way) >= AHEAD * workers:
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process that checks pictures was killed, most likely for want of memory: start with fewer workers."
        ) from error
    except BaseException:
        end_all()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _lots(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    waiting = iter(names)
    while lot := tuple(itertools.islice(waiting, LOT)):
        yield lot


def _look(folder: Path, names: Iterable[str]) -> list[Seen]:
    seen = []
    for name in names:
        verdict = check_picture(folder / name)
        content = None
        if not verdict.fault:
            try:
                content = fingerprint_of_file(folder / name)  # which the system still has in memory
            except OSError:  # it was taken away meanwhile, or its disk was
                verdict = Verdict("unreadable")
        seen.append(Seen(name, verdict, content))
    return seen
