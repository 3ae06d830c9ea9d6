"""`selective_scan`: the signature and layouts of mamba_ssm's `selective_scan_fn`, run where the tensors are."""

import functools
import itertools
from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from backbones.scan import cpu, cuda, reference
from backbones.scan.paths import INSTALL, choose, missing

Backend = Literal["auto", "reference", "cpu", "cuda"]


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
    return_last_state: bool = False,
    *,
    reset: Tensor | None = None,
    backend: Backend = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    """h[t] = exp(delta[t] A) h[t-1] + delta[t] B[t] u[t];  y[t] = C[t] h[t] + D u[t], times silu(z[t]).

    Args:
        u, delta: batch x channels x length. `delta_bias` (channels) is added to delta, then softplus if asked for.
        A: channels x state.
        B, C: batch x state x length, or batch x groups x state x length, each for its share of the channels.
        D: channels.
        z: batch x channels x length.
        reset: batch x length, bool. True starts a new document at that step: the state before it is dropped, and
            nothing of what came before changes a bit of what comes after, nor of its gradients.
        backend: `auto` chooses by the device of u at each call; `scan_paths` says what it chooses and why.

    Returns:
        y (batch x channels x length, in the type of u), with `return_last_state` also h after the last step
        (batch x channels x state). Gradients flow through h as well, but for the cuda path, whose kernel has none.

    Raises:
        ValueError: shapes, types or devices do not fit.
    """
    _check(u, delta, A, B, C, D, z, delta_bias, reset)
    backend = _resolve(backend, u.device)
    groups = [B] if B.dim() == 3 else B.unbind(1)
    scan = functools.partial(_scan, soft=delta_softplus, return_last=return_last_state, reset=reset, backend=backend)
    over_groups = zip(
        _share(u, groups, 1),
        _share(delta, groups, 1),
        _share(A, groups, 0),
        groups,
        [C] if C.dim() == 3 else C.unbind(1),
        _share(D, groups, 0),
        _share(z, groups, 1),
        _share(delta_bias, groups, 0),
        strict=True,
    )
    parts = list(itertools.starmap(scan, over_groups))
    y, last = parts[0] if len(parts) == 1 else (torch.cat(tensors, dim=1) for tensors in zip(*parts, strict=True))
    return (y, last) if return_last_state else y


def _scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
    *,
    soft: bool,
    return_last: bool,
    reset: Tensor | None,
    backend: Backend,
) -> tuple[Tensor, Tensor]:
    if backend == "cpu":
        return cpu.selective_scan(u, delta, A, B, C, D, z, delta_bias, soft, return_last, reset=reset)
    if backend == "cuda":
        return cuda.selective_scan(u, delta, A, B, C, D, z, delta_bias, soft, reset=reset)
    return reference.selective_scan(u, delta, A, B, C, D, z, delta_bias, soft, reset=reset)


def _resolve(backend: Backend, device: torch.device) -> Backend:
    if backend not in get_args(Backend):
        raise ValueError(f"backend must be one of {', '.join(get_args(Backend))}, not {backend!r}.")
    if backend in ("cpu", "cuda") and device.type != backend:
        raise ValueError(f"The {backend} scan needs tensors on that device, and these are on {device}.")
    if backend == "cuda" and (reason := missing("mamba-ssm")) is not None:
        raise ValueError(f"The cuda scan cannot run, as {reason}: {INSTALL}")
    return choose(device) if backend == "auto" else backend


def _share(x: Tensor | None, groups: Sequence[Tensor], dim: int) -> Sequence[Any]:
    """What belongs to each group of channels."""
    if x is None or len(groups) == 1:  # a chunk that is the whole would have its gradient copied
        return [x] * len(groups)
    return x.chunk(len(groups), dim)


def _check(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
    reset: Tensor | None,
) -> None:
    if u.dim() != 3 or A.dim() != 2:
        raise ValueError(
            f"u must be batch x channels x length and A channels x state, not {_shape(u)} and {_shape(A)}."
        )
    batch, channels, length = u.shape
    states = A.shape[1]
    grouped = (batch, B.shape[1], states, length) if B.dim() == 4 else (batch, states, length)
    if B.dim() == 4 and (B.shape[1] == 0 or channels % B.shape[1]):
        raise ValueError(f"{channels} channels do not fall into the {B.shape[1]} equal groups that B has.")
    wanted = {
        "delta": (delta, tuple(u.shape)),
        "A": (A, (channels, states)),
        "B": (B, grouped),
        "C": (C, grouped),
        "D": (D, (channels,)),
        "z": (z, tuple(u.shape)),
        "delta_bias": (delta_bias, (channels,)),
        "reset": (reset, (batch, length)),
    }
    for name, (tensor, expected) in wanted.items():
        if tensor is None:
            continue
        if tuple(tensor.shape) != expected:
            raise ValueError(f"{name} must be {' x '.join(map(str, expected))} for this u and A, not {_shape(tensor)}.")
        if tensor.device != u.device:
            raise ValueError(f"{name} is on {tensor.device} and u on {u.device}: move them to one device.")
        if name == "reset" and tensor.dtype != torch.bool:
            raise ValueError(f"reset must be bool, not {tensor.dtype}.")
        if name != "reset" and not tensor.is_floating_point():
            raise ValueError(f"{name} must hold real floating-point numbers, not {tensor.dtype}.")


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"
