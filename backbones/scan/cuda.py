"""The selective scan on a GPU: mamba-ssm's kernel. Nothing of it is imported before tensors on a GPU ask for it."""

import torch
from torch import Tensor

from backbones.scan import reference
from backbones.scan.documents import Rows


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
    """As `reference.selective_scan`, but for gradients of the last state: the kernel has none, so it is detached.

    With `reset` each document becomes a row of a batch of its own: the kernel knows no resets, and a separator with a
    large delta would only come near to one.
    """
    if reference.computing_type(u, delta, A, B, C, D, z, delta_bias) != torch.float32:
        # The kernel computes in float32 whatever it is given. Slower is acceptable here, wrong is not.
        return reference.selective_scan(u, delta, A, B, C, D, z, delta_bias, delta_softplus, reset=reset)
    if reset is None:
        return _kernel(u, delta, A, B, C, D, z, delta_bias, delta_softplus)
    rows = Rows(reset)
    over_time = [x if x is None else rows.unpack(x) for x in (u, delta, B, C, z)]
    u, delta, B, C, z = over_time  # type: ignore[assignment]
    y, last = _kernel(u, delta, A, B, C, D, z, delta_bias, delta_softplus)
    return rows.pack(y), last[rows.last]


def _kernel(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
) -> tuple[Tensor, Tensor]:
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

    # What varies over time must be of one type, what belongs to a channel must be float32.
    delta, B, C = (x.to(u.dtype) for x in (delta, B, C))
    z = None if z is None else z.to(u.dtype)
    D, delta_bias = (x if x is None else x.float() for x in (D, delta_bias))
    y, last = selective_scan_fn(
        u, delta, A.float(), B, C, D, z, delta_bias, delta_softplus=delta_softplus, return_last_state=True
    )
    return y, last.detach()
