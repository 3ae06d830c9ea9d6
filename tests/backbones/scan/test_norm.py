"""The norm equals torch's, for any width and number of rows."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_cases import assert_close, assert_same_bits

from backbones.scan.norm import rms_norm

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


def draw(rows, width, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x, weight, flow = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((*rows, width), (width,), (*rows, width))
    )
    return x.to(dtype), weight.to(dtype), flow.to(dtype)


def results(norm, x, weight, flow, dtype):
    x, weight = (tensor.detach().to(dtype).requires_grad_() for tensor in (x, weight))
    y = norm(x, weight)
    y.backward(flow.to(dtype))
    return {"y": y.detach(), "d_x": x.grad, "d_weight": weight.grad}


def ours(x, weight):
    return rms_norm(x, weight, 1e-5)


def theirs(x, weight):
    return F.rms_norm(x, weight.shape, weight, 1e-5)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    width=st.integers(8, 70),  # of fewer numbers the gradient of x is what is left of differences
    dtype=st.sampled_from(list(TOLERANCE)),
    seed=st.integers(0, 2**32),
    turned=st.booleans(),
)
def test_outputs_and_gradients_equal_those_of_torch(rows, width, dtype, seed, turned):
    x, weight, flow = draw(rows, width, seed, dtype)
    expected = results(theirs, x, weight, flow, torch.float64)
    if turned:
        x = x.transpose(0, -1).contiguous().transpose(0, -1)
    assert_close(results(ours, x, weight, flow, dtype), expected, TOLERANCE[dtype])


def test_gradients_pass_gradcheck():
    x, weight, _ = draw((3,), 19)
    assert torch.autograd.gradcheck(ours, [x.requires_grad_(), weight.requires_grad_()])


@pytest.mark.parametrize("size", [0.0, 1e-18, 1e15])
def test_rows_of_extreme_size_give_what_torch_gives(size):
    x, weight, flow = draw((4,), 20, dtype=torch.float32)
    expected = results(theirs, x * size, weight, flow, torch.float64)
    assert_close(results(ours, x * size, weight, flow, torch.float32), expected, 1e-5)


def test_the_number_of_threads_changes_no_bit():
    before = torch.get_num_threads()
    x, weight, flow = draw((300,), 33, dtype=torch.float32)
    try:
        torch.set_num_threads(1)
        one = results(ours, x, weight, flow, torch.float32)
        torch.set_num_threads(3)
        assert_same_bits(results(ours, x, weight, flow, torch.float32), one)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("width", [1, 2, 15, 16, 17])
def test_any_width_will_do(width):
    x, weight, flow = draw((5,), width)
    torch.testing.assert_close(ours(x, weight), theirs(x, weight), rtol=1e-12, atol=0)
    expected = results(theirs, x, weight, flow, torch.float64)
    torch.testing.assert_close(results(ours, x, weight, flow, torch.float64), expected, rtol=1e-10, atol=1e-12)


def test_no_rows_pass_through():
    x, weight, flow = draw((0,), 20)
    tensors = results(ours, x, weight, flow, torch.float64)
    assert tensors["y"].shape == tensors["d_x"].shape == (0, 20)
    assert not tensors["d_weight"].any()
