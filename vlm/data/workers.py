"""Processes that make parts, and what they tell of how far they are."""

import contextlib
import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tqdm import tqdm

from vlm.data.children import end_all, pool_of
from vlm.data.errors import DataError
from vlm.data.parts import Job, make_part, tally_of
from vlm.data.plan import Work
from vlm.data.registry import data_set_named

INTERVAL = 0.5
"""Seconds between two looks at how far the work is."""

_read: Any = None
"""Bytes of annotation files that all processes have read; shared."""

_stop = threading.Event()
"""Set when the work is given up, for a thread, which nothing else can end."""


class StoppedError(Exception):
    """The work was given up."""


@contextlib.contextmanager
def processes(count: int) -> Iterator[Executor]:
    """A pool; with a count of 1 a thread of this process. What it is at is given up where the context ends early.

    Raises:
        DataError: a process was killed.
    """
    counter = multiprocessing.get_context("spawn").Value("q", 0)
    _begin(counter)
    pool: Executor = ThreadPoolExecutor(1) if count == 1 else pool_of(count, _begin, counter)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise DataError("a process was killed, for want of memory perhaps: say fewer --workers.") from error
    except BaseException:
        _stop.set()
        end_all()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def make_parts(job: Job, work: Sequence[Work], pool: Executor) -> None:
    """Makes all parts that are not there.

    Raises:
        vlm.data.errors.DataError: a data set cannot be read.
    """
    job.parts.mkdir(parents=True, exist_ok=True)
    _before(job, work)
    # The largest first: what is begun last should not be what takes longest.
    waiting: dict[Future[None], Work] = {
        pool.submit(_make, job, one): one for one in sorted(work, key=lambda one: -one.size)
    }
    total = sum(one.size for one in work)
    with tqdm(total=total, desc="reading", unit="B", unit_scale=True, disable=None) as bar:
        whole = 0
        while waiting:
            done, _ = wait(waiting, timeout=INTERVAL, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
                whole += waiting.pop(future).size
            # What is read of parts that go on counts, and what is whole counts as planned: some files are read twice.
            at_least = max(whole, min(int(_read.value), total))
            bar.update(max(0, at_least - bar.n))
            bar.set_postfix_str(f"{len(work) - len(waiting)} of {len(work)} parts", refresh=False)


def _before(job: Job, work: Sequence[Work]) -> None:
    """What has to be known of all parts of a split before the first is read."""
    seen: set[tuple[str, str]] = set()
    for one in work:
        key = (one.part.data_set, one.part.split)
        before = data_set_named(one.part.data_set).before
        if before is None or key in seen:
            continue
        seen.add(key)
        own = [other.part for other in work if (other.part.data_set, other.part.split) == key]
        if any(tally_of(job, part) is None for part in own):
            source = job.source(one.part)
            source.scratch.mkdir(parents=True, exist_ok=True)
            before(source)


def _begin(counter: Any) -> None:
    global _read
    _read = counter
    _stop.clear()


def _make(job: Job, work: Work) -> None:
    source = job.source(work.part)
    source.told = _tell
    make_part(job, work.part, work.is_trained, source)


def _tell(count: int) -> int:
    if _stop.is_set():
        raise StoppedError
    with _read.get_lock():
        _read.value += count
    return count
