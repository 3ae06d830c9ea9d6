"""What `vlm prepare` takes, and reading what it made, over the number of samples.

    python -m benchmarks.prepare            writes benchmarks/results/prepare.json (some minutes, 2 GB of /tmp)

Questions in the form of VQAv2 (see `benchmarks.vqa_files`), 5 to a sample, with two workers; files are written
beforehand. The smallest size is what a run costs at least. Targets: 5,000 samples a second where no pictures are
checked, and memory that does not depend on the number of samples.

    seconds            from the start of the command to its end; the median of the rounds
    cpu_seconds        of all its processes: less disturbed by what else the machine does
    main_mb            most memory that the command's own process had for itself
    worker_mb          the same of the largest worker
    worker_mapped_mb   files that it has mapped, which the system takes back where it needs memory
    read_...           samples in the order of `vlm.stream.random_order`, without their pictures
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.timing import write_results
from benchmarks.vqa_files import QUESTIONS, draw_picture, write_vqa

SIZES = (3, 12_500, 25_000, 50_000, 100_000)
CHECKED = 12_500
"""Size at which pictures are checked too."""

ROUNDS = 3
WORKERS = 2
INTERVAL = 0.02
"""Seconds between two looks at the memory of processes."""

Row = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a command took. Memory in MB, as the module says."""

    seconds: float
    cpu_seconds: float
    main_mb: int
    worker_mb: int
    worker_mapped_mb: int


def run(command: list[str]) -> Run:
    """Runs a command to its end, and looks at its memory meanwhile.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    main = worker = mapped = 0
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid
    while not (ended := os.wait4(process, os.WNOHANG))[0]:
        own, *workers = (_memory(one) for one in _family(process))
        main = max(main, own["RssAnon"])
        worker = max([worker, *(one["RssAnon"] for one in workers)])
        mapped = max([mapped, *(one["RssFile"] for one in workers)])
        time.sleep(INTERVAL)
    seconds = time.perf_counter() - started
    _, status, used = ended
    if code := os.waitstatus_to_exitcode(status):
        raise subprocess.CalledProcessError(code, command)
    return Run(
        seconds=seconds,
        cpu_seconds=used.ru_utime + used.ru_stime,
        main_mb=round(main / 1024),
        worker_mb=round(worker / 1024),
        worker_mapped_mb=round(mapped / 1024),
    )


def prepare(root: Path, out: Path, samples: int, checks: bool, number: int) -> Row:
    """Prepares the files below `root` so many times, into folders in `out`."""
    command = [sys.executable, "-m", "vlm", "prepare", "vqa_v2", "--root", str(root), "--keep-contaminated"]
    command += ["--workers", str(WORKERS), *([] if checks else ["--trust-pictures"])]
    runs = [run([*command, "--out", str(out / str(n))]) for n in range(number)]
    seconds = statistics.median(one.seconds for one in runs)
    cpu_seconds = statistics.median(one.cpu_seconds for one in runs)
    return {
        "samples": samples,
        "questions": samples * QUESTIONS,
        "checks_pictures": checks,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "samples_per_second": round(samples / seconds),
        "samples_per_cpu_second": round(samples / cpu_seconds),
        "main_mb": max(one.main_mb for one in runs),
        "worker_mb": max(one.worker_mb for one in runs),
        "worker_mapped_mb": max(one.worker_mapped_mb for one in runs),
    }


def read(folder: Path) -> Row:
    """Reads the training samples of a folder once, in a random order."""
    from vlm.dataset import open_split
    from vlm.stream import random_order

    before = _memory(os.getpid())["RssAnon"]
    started = time.perf_counter()
    samples = open_split(folder, "train")
    questions = most = 0
    for n, number in enumerate(random_order(samples.ends, seed=0, turn=0).tolist()):
        questions += len(samples[number].questions)
        if n % 512 == 0:
            most = max(most, _memory(os.getpid())["RssAnon"])
    seconds = time.perf_counter() - started
    assert questions, "something was read"
    return {"read_samples_per_second": round(len(samples) / seconds), "read_mb": round((most - before) / 1024)}


def rows() -> Iterator[Row]:
    """One for each size, and one with checked pictures."""
    picture = draw_picture()
    for samples in SIZES:
        with tempfile.TemporaryDirectory() as name:
            root, out = Path(name) / "root", Path(name) / "out"
            write_vqa(root, samples, picture)
            row = prepare(root, out, samples, checks=False, number=ROUNDS)
            # A process of its own, so that what it holds is its own.
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                yield row | process.submit(read, out / "0").result()
            if samples == CHECKED:
                yield prepare(root, Path(name) / "checked", samples, checks=True, number=1)


def _family(process: int) -> list[int]:
    """A process and all those that it began."""
    try:
        begun = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return [process]
    return [process, *(other for child in begun for other in _family(int(child)))]


def _memory(process: int) -> Counter[str]:
    """What the system tells of the memory of a process, in kB; nothing once it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return Counter()
    told = (line.partition(":") for line in lines if line.endswith(" kB"))
    return Counter({name: int(value.split()[0]) for name, _, value in told})


def main() -> None:
    found = []
    for row in rows():
        found.append(row)
        print(row, flush=True)
    write_results("prepare", "python -m benchmarks.prepare", found)


if __name__ == "__main__":
    main()
