"""Several runs at once on one machine, in worker processes that stay warm: the imports, the compiled kernels and the
context of a GPU are there for the second run.

A worker has a place: a share of the processor's threads, and one GPU where there are any (several workers may have the
same). One that dies, whatever of, takes its own run with it and no other, and a new one takes its place. Workers whose
sweep dies save their runs and end.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import torch

from training.config import require
from training.engines import INTERRUPTED, TAKEN, End, Job, code_of
from training.session import SHARE
from training.signals import stop_signals

LEAVING = 20.0
"""Seconds that a process has to end once it has nothing to do; it is killed then."""

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Place:
    """What a worker has for itself."""

    row: int
    """Of the terminal, for its progress bar."""
    threads: int
    gpu: str | None
    """As CUDA_VISIBLE_DEVICES names it; None on a machine without."""
    share: float = 1.0
    """Of the GPU."""


@dataclass(frozen=True)
class Local:
    """The engine of this machine.

    Args:
        workers: runs at a time; None for one on every GPU `per_gpu` times, or a single one where there is none.
        per_gpu: workers on each GPU.

    Raises:
        ConfigError: there are fewer places than workers, or runs are to share a GPU that is not there.
    """

    workers: int | None = None
    per_gpu: int = 1

    def __post_init__(self) -> None:
        require(self.workers is None or self.workers >= 1, f"a sweep needs at least 1 worker, not {self.workers}.")
        require(self.per_gpu >= 1, f"at least 1 run has to go on a GPU, not {self.per_gpu}.")
        gpus = visible_gpus()
        require(bool(gpus) or self.per_gpu == 1, "there is no GPU here to share: leave --per-gpu out.")
        room = len(gpus) * self.per_gpu
        require(
            not gpus or self.workers is None or self.workers <= room,
            f"{self.workers} workers do not fit on {len(gpus)} GPUs, {self.per_gpu} on each: raise --per-gpu.",
        )

    def places(self) -> list[Place]:
        """One for each worker; GPUs are filled in turn, so that few workers have one each."""
        gpus = visible_gpus()
        workers = self.workers or max(1, len(gpus) * self.per_gpu)
        threads = max(1, torch.get_num_threads() // workers)
        gpu_of = [gpus[row % len(gpus)] if gpus else None for row in range(workers)]
        return [Place(row, threads, gpu, 1 / gpu_of.count(gpu)) for row, gpu in enumerate(gpu_of)]

    def run(self, jobs: Sequence[Job]) -> Iterator[End]:
        waiting = deque(enumerate(jobs))
        workers = [_Worker(place) for place in self.places()[: len(jobs)]]
        try:
            with stop_signals() as stopped:
                yield from _carry_out(waiting, workers, stopped)
        finally:
            for worker in workers:
                worker.close()


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    return (named or [str(index) for index in range(torch.cuda.device_count())])[: torch.cuda.device_count()]


def _carry_out(
    waiting: deque[tuple[int, Job]], workers: Sequence["_Worker"], stopped: threading.Event
) -> Iterator[End]:
    """Gives the jobs to workers that have none, and tells how they end."""
    told = False
    while any(worker.job is not None for worker in workers) or (waiting and not stopped.is_set()):
        for worker in workers:
            if worker.job is None and waiting and not stopped.is_set():
                worker.give(*waiting.popleft())
        if stopped.is_set() and not told:
            told = True
            for worker in workers:
                worker.tell_to_stop()
        busy = {worker.handle: worker for worker in workers if worker.job is not None}
        for handle in wait(list(busy), timeout=0.5):
            worker = busy[handle]  # type: ignore[index]
            number, code = worker.job, worker.code()
            assert number is not None
            # Told to stop before it could listen for that, a process has nothing to save.
            unheard = stopped.is_set() and code in (-signal.SIGINT, -signal.SIGTERM)
            yield number, INTERRUPTED if unheard else code


class _Worker:
    """A place and the process that has it, which is started with its first job, and again after it died."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.job: int | None = None
        """The number of the job it is at."""
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._leaving: list[BaseProcess] = []

    @property
    def handle(self) -> Connection:
        """Ready to be read once the job has ended, or the process."""
        assert self._connection is not None
        return self._connection

    def give(self, number: int, job: Job) -> None:
        self.job = number
        if self._process is None or not self._process.is_alive():
            self._start()
        # A process that dies before it has read this is told of by `code`.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.handle.send(job)

    def code(self) -> int:
        """How the job ended; waits for the process where that has ended as well."""
        assert self._process is not None
        self.job = None
        try:
            code = int(self.handle.recv())
        except (EOFError, ConnectionResetError):
            self._process.join()
            return self._process.exitcode or 1  # 0 without a word is no success
        if code not in (0, TAKEN):
            # What failed may have left memory behind: the next job starts afresh.
            self._let_go()
        return code

    def tell_to_stop(self) -> None:
        if self._process is not None and self.job is not None:
            self._process.terminate()

    def close(self) -> None:
        """Ends the processes: they have nothing to do any more, or nobody to do it for."""
        if self._process is not None and self.job is not None:
            self._process.terminate()
        self._let_go()
        for process in self._leaving:
            process.join(LEAVING)
            process.kill()
            process.join()

    def _let_go(self) -> None:
        """Has the process end in its own time: others do not wait until it has."""
        if self._connection is not None and self._process is not None:
            self._connection.close()
            self._leaving.append(self._process)
        self._process = self._connection = None

    def _start(self) -> None:
        if self._connection is not None:
            self._connection.close()
        # Spawned and not forked: a fork would share locks of torch's threads that nobody is left to open.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self.place), name=f"worker {self.place.row}")
        with _environment(self.place):
            self._process.start()
        theirs.close()  # so that its end closes the pipe


@contextlib.contextmanager
def _environment(place: Place) -> Iterator[None]:
    """What a worker finds when it starts: it must not see other GPUs from its first import on."""
    before = os.environ.get(VISIBLE)
    if place.gpu is not None:
        os.environ[VISIBLE] = place.gpu
    try:
        yield
    finally:
        if before is not None:
            os.environ[VISIBLE] = before
        elif place.gpu is not None:
            del os.environ[VISIBLE]


def _serve(connection: Connection, place: Place) -> None:
    """The life of a worker: jobs come in and exit codes go out until nobody is at the other end."""
    torch.set_num_threads(place.threads)
    os.environ[SHARE] = repr(place.share if place.gpu is not None else 1.0)
    threading.Thread(target=_end_with_parent, name="end with the sweep", daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # between two jobs, Ctrl-C has nothing to save
        while True:
            try:
                job: Job = connection.recv()
            except (EOFError, ConnectionResetError):
                return
            code = code_of(job, place.row)
            try:
                connection.send(code)
            except (BrokenPipeError, ConnectionResetError):
                sys.exit(code)


def _end_with_parent() -> None:
    """Tells this process to stop, as the system does, once the sweep that started it is gone: a run is saved then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
