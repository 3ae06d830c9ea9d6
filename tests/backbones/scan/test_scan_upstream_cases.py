"""The cases that mamba-ssm publishes for its own `selective_scan_fn`, written anew from their shapes and tolerances.

Batch 2, 4 channels, state 8; lengths from 128 to 4096; B and C in one or two groups; with and without D, z, a bias of
delta and softplus; fp32 and bf16 inputs. A is -0.5 U(0, 1), delta 0.5 U(0, 1), its bias 0.5 U(0, 1), the rest normal.
"""

import pytest
import torch
from scan_cases import TENSORS

from backbones.scan import selective_scan

TOLERANCES = {torch.float32: (6e-4, 2e-3), torch.bfloat16: (3e-2, 5e-2)}
"""Relative and absolute."""
WEIGHTS_TOLERANCES = (1e-3, 1e-3)
LENGTHS = [128, 256, 512, *(pytest.param(length, marks=pytest.mark.slow) for length in (1024, 2048, 4096))]


def draw(dtype, length, groups, with_all):
    torch.manual_seed(0)
    batch, channels, states = 2, 4, 8
    over_time = (batch, states, length) if groups == 1 else (batch, groups, states, length)
    arguments = {
        "u": torch.randn(batch, channels, length).to(dtype),
        "delta": (0.5 * torch.rand(batch, channels, length)).to(dtype),
        "A": -0.5 * torch.rand(channels, states),
        "B": torch.randn(over_time).to(dtype),
        "C": torch.randn(over_time).to(dtype),
        "D": torch.randn(channels),
        "z": torch.randn(batch, channels, length).to(dtype),
        "delta_bias": 0.5 * torch.rand(channels),
    }
    return arguments if with_all else arguments | dict.fromkeys(("D", "z", "delta_bias"))


def outputs_and_gradients(arguments, softplus, backend, device="cpu"):
    given = {name: x if x is None else x.to(device).requires_grad_() for name, x in arguments.items()}
    y, last = selective_scan(**given, delta_softplus=softplus, return_last_state=True, backend=backend)
    torch.manual_seed(1)
    y.backward(torch.randn(y.shape).to(y))
    gradients = {f"d_{name}": given[name].grad for name in TENSORS if given[name] is not None}
    return {"y": y.detach(), "last": last.detach()} | gradients


def check(arguments, softplus, dtype, backend, device="cpu"):
    ours = outputs_and_gradients(arguments, softplus, backend, device)
    reference = outputs_and_gradients(arguments, softplus, "reference", device)
    rtol, atol = TOLERANCES[dtype]
    weight_rtol, weight_atol = max(rtol, WEIGHTS_TOLERANCES[0]), max(atol, WEIGHTS_TOLERANCES[1])
    tolerances = {
        "d_u": (2 * rtol, 2 * atol),
        "d_delta": (5 * rtol, 10 * atol),
        "d_A": (weight_rtol, 5 * weight_atol),
        "d_B": (rtol, atol),
        "d_C": (rtol, atol),
        "d_D": (weight_rtol, weight_atol),
        "d_z": (weight_rtol, weight_atol),
        "d_delta_bias": (weight_rtol, weight_atol),
    }
    for name, tensor in ours.items():
        relative, absolute = tolerances.get(name, (rtol, atol))
        torch.testing.assert_close(tensor, reference[name], rtol=relative, atol=absolute, msg=lambda m, n=name: n + m)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("softplus", [False, True])
@pytest.mark.parametrize("with_all", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_published_cases_pass_on_the_cpu(dtype, with_all, softplus, groups, length):
    check(draw(dtype, length, groups, with_all), softplus, dtype, "cpu")


@pytest.mark.gpu
@pytest.mark.parametrize("length", [128, 512, 2048])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("with_all", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_published_cases_pass_on_a_gpu(dtype, with_all, groups, length):
    check(draw(dtype, length, groups, with_all), True, dtype, "cuda", "cuda")
