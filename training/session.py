"""What a run ran on: command, versions, device, processes. Recorded beside the config, and not part of its identity."""

import os
import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

PACKAGES = (
    "retrieval-probe",
    "torch",
    "transformers",
    "accelerate",
    "numpy",
    "numba",
    "mamba-ssm",
    "causal-conv1d",
    "deepspeed",
)


SHARE = "PROBE_SHARE_OF_A_GPU"
"""Set in the environment of workers that do not have a GPU for themselves."""


def is_main_process() -> bool:
    """Whether this is the only process, or the first of those that `accelerate launch` started: the one that writes."""
    return os.environ.get("RANK", "0") == "0"


def process_count() -> int:
    """How many processes `accelerate launch` started, before they have met."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def part() -> None:
    """Lets go of the other processes, once there is nothing left to do together."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def versions() -> dict[str, str | None]:
    """The installed version of everything that can move a number; None for what is absent."""
    return {"python": platform.python_version(), **{package: _version(package) for package in PACKAGES}}


def ran_with(accelerator: Accelerator, said: str | None = None) -> dict[str, Any]:
    """The command, the versions, and what this session dispatches to.

    Args:
        said: the command, where this process is a worker and was not started with it.
    """
    device = accelerator.device
    return {
        "command": said or command(),
        "versions": versions(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processes": accelerator.num_processes,
        "threads": torch.get_num_threads(),
        "share": float(os.environ.get(SHARE, "1")),
        "distributed": accelerator.distributed_type.value,
    }


def command() -> str:
    """As it was typed, wherever the program that was started lies."""
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    return shlex.join([name, *sys.argv[1:]])


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
