"""Mamba's selective scan: one function, a path for each device, and the way it is put under the Mamba of transformers.

selective     `selective_scan`: checks its arguments and chooses by their device
reference     plain PyTorch, the paper's equations line by line
cpu           forward and backward; the work is done in `scan_kernels` and `scan_gradient_kernels`
cuda          mamba-ssm's kernel
convolution   the depthwise causal convolution before the scan; on the CPU in `conv_kernels`
decoding      both, for one token at a time
documents     `packed`: documents kept apart in that Mamba; and as rows of a batch, for code that knows no resets
paths         which code runs on which device, and why, in words
norm          the norm before a Mamba block; on the CPU in `norm_kernels`
block         on the CPU, all that stands between the two large projections of a Mamba block
mixer         the forward of transformers' Mamba block, by device
mounting      `mount`: `MambaForCausalLM` of transformers calls all of this

The kernels are Python that numba compiles: vectors of 16 channels (`lanes`) and their elementary functions
(`formulas`, and `registers` for the exponential in inner loops), blocks of 16 steps (`tiles`), tensors as kernels take
them (`layout`); compiled once for a machine, and run on as many threads as torch uses (`compiled`).
"""

from backbones.scan.documents import packed
from backbones.scan.mounting import mount
from backbones.scan.paths import ScanPath, scan_path, scan_paths
from backbones.scan.selective import selective_scan

__all__ = ["ScanPath", "mount", "packed", "scan_path", "scan_paths", "selective_scan"]
