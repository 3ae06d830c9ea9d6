"""What the benchmarks share: a clock that waits for the device, and results that say where they were taken."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
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
    _wait()
    started = time.perf_counter()
    for _ in range(calls):
        action()
    _wait()
    return time.perf_counter() - started


def _wait() -> None:
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
