"""Compiling a kernel once for a machine, and running its tasks on as many threads as torch uses.

A kernel is a function `kernel(*arrays, first, stop)` that does the independent tasks first .. stop - 1. What a task
computes does not depend on who computes it, so results are bit-identical for every number of threads.

numba has threads of its own (`prange`), and they are left alone on purpose: its portable layer ends the process when
two threads enter it at once (torch calls backward from threads of its own), and its OpenMP layer ends it after a fork.
Kernels release the GIL instead, and a plain pool of Python threads runs them: any thread may call at any time, and a
forked child starts a pool of its own.
"""

import contextlib
import functools
import hashlib
import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import torch
from numba.core.caching import FunctionCache

Function = TypeVar("Function", bound=Callable[..., Any])

SHARES = 4
"""Parts that a thread's work is cut into, so that a thread that the system delays is not waited for by all."""


def compiled(kernel: Callable[..., None], arguments: Sequence[Any]) -> Callable[..., None]:
    """Compiles a kernel for these argument types, or takes it from the cache on disk, where it is kept."""
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(kernel)
    with contextlib.suppress(RuntimeError):  # nowhere to write: then each process compiles it, which takes seconds
        dispatcher._cache = _Cache(kernel)
    dispatcher.compile(tuple(arguments))
    dispatcher.disable_compile()
    return cast(Callable[..., None], dispatcher)


def run(kernel: Callable[..., None], arguments: Sequence[Any], tasks: int) -> None:
    """kernel(*arguments, first, stop) over all tasks."""
    threads = min(torch.get_num_threads(), tasks)
    if threads <= 1:
        kernel(*arguments, 0, tasks)
        return
    shares = min(tasks, threads * SHARES)
    edges = [tasks * share // shares for share in range(shares + 1)]
    spans = iter(list(itertools.pairwise(edges)))

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
    kernels = ("scan_kernels", "scan_gradient_kernels", "conv_kernels", "norm_kernels")
    for name in ("formulas", "lanes", "registers", "tiles", *kernels, "layout"):
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()


def opaque(function: Function) -> Function:
    """For functions that run kernels: `torch.compile` calls them and does not try to look inside."""
    return cast(Function, torch.compiler.disable(function))


def inlined(function: Callable[..., Any]) -> Any:
    """For the functions that kernels are made of."""
    return numba.njit(error_model="numpy")(function)
