"""Compiling a kernel once for a machine, and running its tasks on as many threads as torch uses.

A kernel is a function `kernel(*arrays, first, stop)` that does the independent tasks first .. stop - 1. What a task
computes does not depend on who computes it, so results are bit-identical for every number of threads.

numba has threads of its own (`prange`), and they are left alone on purpose: its portable layer ends the process when
two threads enter it at once (torch calls backward from threads of its own), and its OpenMP layer ends it after a fork.
Kernels release the GIL instead, and a plain pool of Python threads runs them: any thread may call at any time, and a
forked child starts a pool of its own.
"""

import functools
import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from numba.core.caching import FunctionCache

SHARES = 4
"""Parts that a thread's work is cut into, so that a thread that the system delays is not waited for by all."""


def compiled(kernel: Callable[..., None], arguments: Sequence[Any]) -> Callable[..., None]:
    """Compiles a kernel for these argument types, or takes it from the cache on disk, where it is kept."""
    dispatcher = numba.njit(nogil=True, error_model="numpy")(kernel)
    try:
        dispatcher._cache = _Cache(kernel)
    except RuntimeError:
        pass  # nowhere to write: then it is compiled in each process, which takes seconds
    dispatcher.compile(tuple(arguments))
    dispatcher.disable_compile()
    return dispatcher  # type: ignore[no-any-return]


def run(kernel: Callable[..., None], arguments: Sequence[Any], tasks: int) -> None:
    """kernel(*arguments, first, stop) over all tasks."""
    threads = min(torch.get_num_threads(), tasks)
    if threads <= 1:
        kernel(*arguments, 0, tasks)
        return
    shares = min(tasks, threads * SHARES)
    edges = [tasks * share // shares for share in range(shares + 1)]
    spans = iter(list(zip(edges, edges[1:], strict=False)))

    def work() -> None:
        for first, stop in spans:  # shared by the threads: each takes the next span that is left
            kernel(*arguments, first, stop)

    others = [_pool(os.getpid(), threads).submit(work) for _ in range(threads - 1)]
    work()
    for other in others:
        other.result()


@functools.lru_cache(maxsize=1)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Threads are started as they are needed; another process or number of threads gets another pool."""
    return ThreadPoolExecutor(max_workers=threads, thread_name_prefix="selective-scan")


class _Cache(FunctionCache):
    """numba's cache on disk, keyed by all sources of this package: a kernel is made of more than its own file."""

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        return (*super()._index_key(signature, codegen), _sources())


@functools.cache
def _sources() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def view(tensor: torch.Tensor | None, dimensions: int, like: torch.Tensor) -> np.ndarray[Any, Any]:
    """The tensor's memory as numpy sees it; an array without elements stands for None."""
    if tensor is None:
        tensor = like.new_empty((0,) * dimensions)
    return tensor.detach().numpy()


def inlined(function: Callable[..., Any]) -> Any:
    """For the functions that kernels are made of."""
    return numba.njit(error_model="numpy")(function)
