"""What a sweep costs beside the training in it.

    python -m benchmarks.sweeps               writes benchmarks/results/sweeps.json

overhead    200 runs of 5 steps on the local engine, one worker: the time from the end of one run to the end of the
            next, without the training itself, which the run's own clock tells. The first run, which waits for the
            worker's imports, is told apart. Target: below 1 s.
status      `probe status` of 2,000 run directories, as a person would call it. Target: within 2 s.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

from backbones.pairs import FAMILIES
from benchmarks.timing import write_results
from probe.config import Model, ProbeConfig
from probe.task import RetrievalTask
from probe.trainer import run_probe
from training.config import Optimisation
from training.local import Local
from training.run import Run, read_status
from training.sweep import sweep

RUNS, DIRECTORIES = 200, 2_000


def configs(count: int) -> Iterator[ProbeConfig]:
    """Runs of 5 steps of both families, each with a seed of its own."""
    for number in range(count):
        yield ProbeConfig(
            task=RetrievalTask(16, "suffix", seed=number // 2),
            model=Model(name=f"tiny/{FAMILIES[number % 2]}"),
            optimisation=Optimisation(steps=5, evaluations=1),
            held_out_examples=1_600,
        )


def timed(config: ProbeConfig, out: Path, *, place: str, row: int) -> None:
    """A run that leaves the moment of its end beside its files."""
    run = run_probe(config, out, place=place, row=row)
    (run.folder / "ended").write_text(repr(time.time()))


def overhead(out: Path) -> dict[str, object]:
    runs = [Run(out, config) for config in configs(RUNS)]
    started = time.time()
    outcomes = sweep([run.config for run in runs], out, partial(timed, out=out), Local(1))
    assert {outcome.state for outcome in outcomes} == {"finished"}
    ends = [float((run.folder / "ended").read_text()) for run in runs]
    training = [float(read_status(run.folder)["seconds"]) for run in runs]
    between = [end - before - own for (before, end), own in zip(pairwise(ends), training[1:], strict=True)]
    return {
        "what": "overhead",
        "runs": RUNS,
        "steps_of_a_run": 5,
        "seconds_a_run": round(statistics.mean(between), 3),
        "median_seconds_a_run": round(statistics.median(between), 3),
        "seconds_of_training_a_run": round(statistics.mean(training[1:]), 3),
        "seconds_before_the_first": round(ends[0] - started - training[0], 2),
        "whole_seconds": round(time.time() - started, 1),
    }


def status(out: Path) -> list[dict[str, object]]:
    """A folder in which runs are planned, interrupted, failed and finished."""
    for number, config in enumerate(configs(DIRECTORIES)):
        run = Run(out, config)
        run.start({"device": "cpu", "processes": 1, "model": {"family": FAMILIES[number % 2], "parameters": 100_000}})
        known = {"step": 5, "steps": 5, "seconds": 2.5, "accuracy": 0.5, "learned_at": None}
        state = ("finished", "interrupted", "failed", "planned")[number // 2 % 4]
        run.set_state(state, **({} if state == "planned" else known), traceback="RuntimeError: out of luck")  # type: ignore[arg-type]
    rows: list[dict[str, object]] = []
    for options in ([], ["--json"]):
        command = [sys.executable, "-m", "probe", "status", str(out), *options]
        taken = []
        for _ in range(5):
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken.append(time.perf_counter() - started)
        seconds = round(statistics.median(taken), 2)
        rows.append({"what": "status", "options": options, "directories": DIRECTORIES, "seconds": seconds})
    return rows


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows += status(Path(folder) / "many")
        print(*rows, sep="\n", flush=True)
        rows.append(overhead(Path(folder) / "short"))
        print(rows[-1], flush=True)
    write_results("sweeps", "python -m benchmarks.sweeps", rows)


if __name__ == "__main__":
    main()
