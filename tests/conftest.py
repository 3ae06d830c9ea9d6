"""What the tests share: the real command line in a process of its own, on a CPU, with one thread and no network."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# Two tests that share a machine with others must not share its threads as well: the same count everywhere is also
# what makes curves bit-identical.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["ACCELERATE_USE_CPU"] = "true"
os.environ["HF_HUB_OFFLINE"] = "1"
torch.set_num_threads(1)

# A machine that is busy is slow: no time is a fault of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Runs `probe` with these arguments in an empty folder, as a person would."""

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "probe", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)

    return run
