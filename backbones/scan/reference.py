"""The selective scan as the Mamba paper writes it, in plain PyTorch: what every other path is tested against.

    D   channels of the block           u, delta, z   batch x D x length
    N   state of a channel              A             D x N
                                        B, C          batch x N x length

Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", equations (2a), (2b), and (4) for the
discretisation: exact for A (zero-order hold), and delta B, its first-order form, for B, as in their code.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


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
    """The output (batch x D x length, in the type of u) and the state after the last step (batch x D x N).

    It is computed in the widest type among the arguments, and in float32 at least.
    """
    dtype, real = u.dtype, computing_type(u, delta, A, B, C, D, z, delta_bias)
    u, delta, A, B, C = (x.to(real) for x in (u, delta, A, B, C))
    if delta_bias is not None:
        delta = delta + delta_bias.to(real)[:, None]
    if delta_softplus:
        delta = F.softplus(delta)

    h = u.new_zeros(u.shape[0], *A.shape)  # batch x D x N
    ys = []
    # unbind, not u[:, :, t]: the backward of each such slice would fill a whole batch x D x length.
    steps = zip(u.unbind(2), delta.unbind(2), B.unbind(2), C.unbind(2), strict=True)
    for t, (u_t, delta_t, B_t, C_t) in enumerate(steps):  # batch x D, batch x D, batch x N, batch x N
        if reset is not None:
            h = torch.where(reset[:, t, None, None], 0.0, h)
        A_bar = torch.exp(delta_t[:, :, None] * A)  # (4): exp(delta A), batch x D x N
        B_bar_u = (delta_t * u_t)[:, :, None] * B_t[:, None, :]  # (4): (delta B) u, batch x D x N
        h = A_bar * h + B_bar_u  # (2a)
        ys.append((h * C_t[:, None, :]).sum(2))  # (2b), batch x D
    y = torch.stack(ys, dim=2) if ys else torch.zeros_like(u)
    if D is not None:
        y = y + D.to(real)[:, None] * u
    if z is not None:
        y = y * F.silu(z.to(real))
    return y.to(dtype), h


def computing_type(*tensors: Tensor | None) -> torch.dtype:
    """The type that a scan of these tensors is computed in."""
    real = torch.float32
    for tensor in tensors:
        if tensor is not None:
            real = torch.promote_types(real, tensor.dtype)
    return real
