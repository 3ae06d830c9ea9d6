"""Mamba's selective scan: one function, a path for each device, and the way it is put under the Mamba of transformers.

selective   `selective_scan`: checks its arguments and chooses by their device
reference   plain PyTorch, the paper's equations line by line
cpu         forward and backward in `scan_kernels`, built from the vectors of `lanes`, compiled and run by `compiled`
cuda        mamba-ssm's kernels
paths       which of them runs where, and why, in words
mounting    `mount`: `MambaForCausalLM` of transformers calls all of this
"""

from backbones.scan.mounting import mount
from backbones.scan.paths import ScanPath, scan_paths
from backbones.scan.selective import selective_scan

__all__ = ["ScanPath", "mount", "scan_paths", "selective_scan"]
