"""The runs of a sweep as jobs of a Slurm cluster, through submitit. The folder of the runs has to be the same on every
node.

The sweep stays at the login node, submits its jobs as one array and waits for them. A job that is pre-empted saves its
run and is submitted again; one that reaches its time is put back into the queue by submitit, and its run goes on from
its last checkpoint.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

from training.config import ConfigError, require
from training.engines import INTERRUPTED, ONE_GPU, End, Job, code_of
from training.signals import stop_signals

REQUEUED = 1_000
"""How often a job may reach its time."""

POLL = 0.5
"""Seconds between two looks at the jobs, most of which are answered from submitit's memory of the last one."""


@dataclass(frozen=True)
class SlurmCluster:
    """The engine.

    Args:
        logs: folder for submitit's files and what the jobs print.
        partition: of the cluster; None for its default.
        hours: time of a job, after which it is put back into the queue.
        gpus, cpus: of a job.
        workers: jobs at a time at the most.
        cluster: "slurm", or "local" for processes of this machine, which is how the tests run it.

    Raises:
        ConfigError: submitit is not installed, or Slurm is not here.
    """

    logs: Path
    partition: str | None = None
    hours: float = 24.0
    gpus: int = 0
    cpus: int = 1
    workers: int = 64
    cluster: str = "slurm"

    def __post_init__(self) -> None:
        require(
            find_spec("submitit") is not None, 'the Slurm engine needs submitit: pip install "retrieval-probe[slurm]".'
        )
        there = self.cluster != "slurm" or which("sbatch") is not None
        require(there, "there is no Slurm here: start the sweep where sbatch is, or with another engine.")
        require(self.gpus <= 1, ONE_GPU.format(self.gpus))
        require(self.hours > 0, f"a job needs time, not {self.hours:g} hours.")

    def run(self, jobs: Sequence[Job]) -> Iterator[End]:
        import submitit

        executor = submitit.AutoExecutor(folder=self.logs, cluster=self.cluster, slurm_max_num_timeout=REQUEUED)
        executor.update_parameters(
            name="probe",
            timeout_min=max(1, round(self.hours * 60)),
            gpus_per_node=self.gpus,
            cpus_per_task=self.cpus,
            slurm_array_parallelism=self.workers,
            **({"slurm_partition": self.partition} if self.partition else {}),
        )
        with stop_signals() as stopped:
            try:
                running: dict[int, Any] = dict(enumerate(executor.map_array(_Requeued(), jobs)))
            except submitit.core.utils.FailedJobError as error:
                raise ConfigError(f"Slurm does not take the jobs: {' '.join(str(error).split())}") from error
            told = False
            while running:
                if stopped.is_set() and not told:
                    told = True
                    for submitted in running.values():
                        submitted.cancel(check=False)
                for number in [number for number, submitted in running.items() if submitted.done()]:
                    code = _code(running.pop(number))
                    if code == INTERRUPTED and not told:
                        # Pre-empted: it has saved its run, and waits for its turn again.
                        running[number] = executor.submit(_Requeued(), jobs[number])
                    else:
                        yield number, INTERRUPTED if told and code else code
                time.sleep(POLL)


class _Requeued:
    """What a job runs. submitit asks it what to run again when the job is stopped by Slurm: the same, which goes on."""

    def __call__(self, job: Job) -> int:
        return code_of(job)

    def checkpoint(self, job: Job) -> Any:
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, job)


def _code(submitted: Any) -> int:
    """How a job ended; one that ended without a result has failed."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        return int(submitted.result())
    except (FailedJobError, UncompletedJobError):
        return 1
