"""Where the runs of a sweep are carried out. An engine is given jobs and yields how each of them ended.

    Inline         in this process, one after the other: for a single run, and beneath `accelerate launch`
    Local          in worker processes of this machine (`training.local`)
    RayCluster     as tasks of a Ray cluster (`training.ray_cluster`)
    SlurmCluster   as jobs of a Slurm cluster (`training.slurm_cluster`)

A job does not return anything: what it finds is in the directory of its run, which is also where it goes on if it is
given to an engine again. So every engine gives the same curves.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from training.loop import Interrupted
from training.session import process_count

INTERRUPTED = 130
"""Exit code of a job that was told to stop and has saved its run; what a shell gives for Ctrl-C."""

TAKEN = 75
"""Exit code of a job that found another process at its run (EX_TEMPFAIL of sysexits.h)."""

ONE_GPU = (
    "a run of a sweep is one process and takes one GPU at the most, not {:g}: for several see experiments/accelerate."
)

End = tuple[int, int]
"""Number of a job, and its exit code: 0, INTERRUPTED, TAKEN, that of a failure, or minus the signal it died of."""


class Job(Protocol):
    """Something to do, given the row of the terminal to show its progress in. It has to survive pickling, and to raise
    nothing but Interrupted and SystemExit."""

    def __call__(self, *, row: int) -> object: ...


class Engine(Protocol):
    """Carries out jobs."""

    def run(self, jobs: Sequence[Job]) -> Iterator[End]:
        """Does the jobs, about in their order; yields as they end. On Ctrl-C or SIGTERM no other is started, and those
        that run are told to stop and waited for: they are INTERRUPTED."""


@dataclass(frozen=True)
class Inline:
    """This process."""

    def run(self, jobs: Sequence[Job]) -> Iterator[End]:
        for number, job in enumerate(jobs):
            code = code_of(job)
            # The run's failure, which the other runs have nothing to do with. Where a run has several processes the
            # others wait for this one, and only an end of all of them frees them.
            if code not in (0, INTERRUPTED, TAKEN) and process_count() > 1:
                sys.exit(code)
            yield number, code
            if code == INTERRUPTED:
                return


def code_of(job: Job, row: int = 0) -> int:
    """Does a job; gives its exit code."""
    try:
        job(row=row)
    except (Interrupted, KeyboardInterrupt):
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
