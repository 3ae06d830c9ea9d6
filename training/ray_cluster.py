"""The runs of a sweep as tasks of a Ray cluster. The folder of the runs has to be the same on every machine of it: what
a run finds is written there, by the machine that has it, and nothing comes back but how it ended.

Ray gives each task its GPUs (CUDA_VISIBLE_DEVICES) and starts as many at a time as the cluster has room for.
"""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch

from training.config import ConfigError, require
from training.engines import INTERRUPTED, ONE_GPU, End, Job, code_of
from training.session import SHARE
from training.signals import stop_signals


@dataclass(frozen=True)
class RayCluster:
    """The engine.

    Args:
        address: of the cluster ("auto" for the one this machine is part of); None starts one on this machine alone.
        gpus: that a run gets, 1 or less; 0.25 puts four on one.
        cpus: threads that a run gets.
        workers: runs at a time at the most; None for as many as there is room for.
        resources: others that a run needs, by the names that the cluster has for them.

    Raises:
        ConfigError: Ray is not installed, or a run would get nothing to run on.
    """

    address: str | None = None
    gpus: float = 0.0
    cpus: float = 1.0
    workers: int | None = None
    resources: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        require(find_spec("ray") is not None, 'the Ray engine needs Ray: pip install "retrieval-probe[ray]".')
        require(self.gpus >= 0 and self.cpus > 0, "a run needs more than 0 CPUs, and no fewer than 0 GPUs.")
        require(self.gpus <= 1, ONE_GPU.format(self.gpus))
        host, _, port = (self.address or "").removeprefix("ray://").rpartition(":")
        # Ray itself would knock for a minute, and then say it in forty lines.
        require(not host or _answers(host, port), f"there is no Ray cluster at {self.address}: see --address.")

    def run(self, jobs: Sequence[Job]) -> Iterator[End]:
        import ray

        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a run without GPUs sees those of the machine
        try:
            context = ray.init(address=self.address, include_dashboard=False, configure_logging=False)
        except (ConnectionError, ValueError) as error:
            raise ConfigError(f"there is no Ray cluster at {self.address}: see `ray status`, or --address.") from error
        try:
            with stop_signals() as stopped:
                yield from self._run(ray, jobs, stopped)
        finally:
            context.disconnect()

    def _run(self, ray: Any, jobs: Sequence[Job], stopped: threading.Event) -> Iterator[End]:
        resources = dict(self.resources)
        has = ray.cluster_resources()
        for name, wanted in (("CPU", self.cpus), ("GPU", self.gpus), *resources.items()):
            require(
                has.get(name, 0) >= wanted,
                f"the cluster has {has.get(name, 0):g} of {name}, and a run is to get {wanted:g}: ask for less.",
            )
        task = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, resources=resources, max_retries=0)(_task)
        waiting = list(enumerate(jobs))
        running: dict[Any, int] = {}
        most = self.workers or len(jobs)
        told = False
        while running or (waiting and not stopped.is_set()):
            while waiting and len(running) < most and not stopped.is_set():
                number, job = waiting.pop(0)
                running[task.remote(job, max(1, int(self.cpus)), self.gpus or 1.0)] = number
            if stopped.is_set() and not told:
                told = True
                for reference in running:
                    ray.cancel(reference, force=False)  # an interrupt, as Ctrl-C is one
            for reference in ray.wait(list(running), timeout=0.5)[0]:
                yield running.pop(reference), _code(ray, reference)


def _answers(host: str, port: str) -> bool:
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError):
        return False
    return True


def _task(job: Job, threads: int, share: float) -> int:
    torch.set_num_threads(threads)
    os.environ[SHARE] = repr(share)
    return code_of(job)


def _code(ray: Any, reference: Any) -> int:
    """How a task ended; one that was killed, or whose machine is gone, has failed."""
    try:
        return int(ray.get(reference))
    except ray.exceptions.TaskCancelledError:
        return INTERRUPTED
    except ray.exceptions.RayTaskError as error:
        return INTERRUPTED if isinstance(error.cause, KeyboardInterrupt) else 1
    except ray.exceptions.RayError:
        return 1
