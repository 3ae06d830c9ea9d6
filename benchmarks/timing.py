"""What the benchmarks share: a clock that waits for the device, and results that say where they were taken."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from training.session import versions

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
RESULTS = Path(__file__).parent / "results"


def seconds_of(action: Callable[[], object], repeats: int = 7, at_least: float = 0.05) -> float:
    """Median time of one call, over `repeats` measurements of at least this many seconds each, after a warm-up."""
    action()
    once = _elapsed(action, 1)
    calls = max(1, round(at_least / max(once, 1e-9)))
    return statistics.median(_elapsed(action, calls) / calls for _ in range(repeats))


def interleaved(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each in every round, in turns after one that does not count, so that all see the same machine."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(rounds + 1):
        for name, action in actions.items():
            taken = _elapsed(action, 1)
            if turn:
                seconds[name].append(taken)
    return seconds


def times(slow: list[float], fast: list[float]) -> float:
    """How many times `fast` goes into `slow`: the median over rounds, since a machine is as busy in one as it is."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def write_results(name: str, command: str, rows: list[dict[str, Any]]) -> None:
    """Writes results/NAME.json, or results/NAME-cuda.json where a GPU took part."""
    machine = {
        "device": torch.cuda.get_device_name() if DEVICE.type == "cuda" else "cpu",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}{'-cuda' if DEVICE.type == 'cuda' else ''}.json"
    path.write_text(json.dumps({"command": command, "machine": machine, "rows": rows}, indent=1) + "\n")
    print(path)


def _elapsed(action: Callable[[], object], calls: int) -> float:
    wait()
    started = time.perf_counter()
    for _ in range(calls):
        action()
    wait()
    return time.perf_counter() - started


def wait() -> None:
    """Until the device has done all that it was told to."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def _processor() -> str:
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
