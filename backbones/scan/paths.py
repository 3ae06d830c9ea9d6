"""Which code runs the scan and the convolution on each device, and why.

The CUDA kernels live in two packages that a user may or may not have, and that may be there without their compiled
part: newer default installs of mamba-ssm leave `selective_scan_cuda` out and raise at the first call. So what counts is
the compiled module, and it is looked for here, once, in the one place that also puts the finding into words.
"""

import functools
import importlib
import warnings
from dataclasses import dataclass
from typing import Literal

import torch

INSTALL = 'pip install --no-build-isolation "mamba-ssm>=2.3.2" "causal-conv1d>=1.6"'

Package = Literal["mamba-ssm", "causal-conv1d"]
_MODULES: dict[Package, tuple[str, str]] = {
    "mamba-ssm": ("mamba_ssm.ops.selective_scan_interface", "selective_scan_cuda"),
    "causal-conv1d": ("causal_conv1d", "causal_conv1d_cuda"),
}
"""What Python imports, and the compiled module beneath it."""


@dataclass(frozen=True)
class ScanPath:
    """What runs on one device."""

    device: str
    """`cpu`, or `cuda:0` and so on."""
    path: str
    """A few words for each of scan and convolution."""
    reason: str
    """One sentence."""


def scan_paths() -> list[ScanPath]:
    """What runs on each device of this machine."""
    threads = torch.get_num_threads()
    paths = [
        ScanPath(
            "cpu",
            "scan: cpu, convolution: cpu",
            f"Tensors on the CPU take our own kernels, compiled by numba, on {threads} thread{'s'[: threads != 1]}.",
        )
    ]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        scan = "cuda (mamba-ssm)" if missing("mamba-ssm") is None else "reference"
        convolution = "cuda (causal-conv1d)" if missing("causal-conv1d") is None else "torch"
        device = f"cuda:{index}"
        name = torch.cuda.get_device_name(index)
        paths.append(ScanPath(device, f"scan: {scan}, convolution: {convolution}", f"{name}: {_cuda_reason()}"))
    return paths


def scan_path(device: torch.device) -> str:
    """Which scan Mamba runs on a device, in the words of `scan_paths`; `none` where it has no words for it."""
    return next((path.path for path in scan_paths() if path.device.partition(":")[0] == device.type), "none")


def choose(device: torch.device) -> Literal["reference", "cpu", "cuda"]:
    """The implementation of the scan for tensors on this device."""
    if device.type == "cpu":
        return "cpu"
    if device.type == "cuda" and missing("mamba-ssm") is None:
        return "cuda"
    _warn(device.type)
    return "reference"


@functools.cache
def missing(package: Package) -> str | None:
    """Why the CUDA kernels of a package cannot run: None if they can."""
    for module, otherwise in zip(
        _MODULES[package], ("is not installed", "is installed without its compiled part"), strict=True
    ):
        try:
            importlib.import_module(module)
        except Exception as error:  # a compiled module of another torch raises whatever its loader raises
            broken = "" if isinstance(error, ModuleNotFoundError) else f" ({type(error).__name__})"
            return f"{package} {otherwise}{broken}"
    return None


def _cuda_reason() -> str:
    lacking = [reason for package in _MODULES if (reason := missing(package)) is not None]
    if not lacking:
        return "mamba-ssm and causal-conv1d are installed with their compiled parts."
    return f"{' and '.join(lacking)}, so plain PyTorch stands in, which is far slower; to install: {INSTALL}"


@functools.cache
def _warn(device_type: str) -> None:
    if device_type == "cuda":
        warnings.warn(f"On the GPU Mamba's scan runs as a loop in PyTorch: {_cuda_reason()}", stacklevel=2)
    else:
        warnings.warn(f"There is no scan for {device_type}: it runs as a loop in PyTorch, which is slow.", stacklevel=2)
