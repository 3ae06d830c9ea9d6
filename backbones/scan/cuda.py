"""The selective scan on a GPU: mamba-ssm's kernel. Nothing here is imported before tensors on a GPU ask for it."""

from typing import Any

import torch
from torch import Tensor

from backbones.scan.reference import computing_type
from backbones.scan import reference


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    *,
    reset: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """As `reference.selective_scan`."""
    if reset is not None or computing_type(u, delta, A, B, C, D, z, delta_bias) != torch.float32:
        # mamba-ssm computes in float32 and knows no resets. Slower is acceptable here, wrong is not.
        return reference.selective_scan(u, delta, A, B, C, D, z, delta_bias, delta_softplus, reset=reset)
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

    real: Any = torch.float32
    D, delta_bias = (x if x is None else x.to(real) for x in (D, delta_bias))
    y, last = selective_scan_fn(u, delta.to(u), A.to(real), B.to(u), C.to(u), D, z, delta_bias, delta_softplus, True)
    return y, last
