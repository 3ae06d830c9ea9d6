"""The CPU convolution equals torch's, for any shapes, strides, numbers of taps and resets."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_cases import assert_close, laid_out

from backbones.scan.convolution import causal_convolution, reference_convolution

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 1e-2}


def draw(batch, channels, length, taps, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = {"x": (batch, channels, length), "weight": (channels, taps), "bias": (channels,)}
    return {
        name: torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype) for name, shape in shapes.items()
    }


def results(function, arguments, dtype, **options):
    given = {name: None if x is None else x.detach().to(dtype).requires_grad_() for name, x in arguments.items()}
    y = function(**given, **options)
    y.backward(torch.cos(torch.arange(y.numel(), dtype=torch.float64)).view_as(y).to(dtype))
    return {"y": y.detach()} | {f"d_{name}": x.grad for name, x in given.items() if x is not None}


def masked(x, weight, bias, activation, reset):
    """Resets the slow way: each step convolved with what its document holds before it."""
    documents = reset.cumsum(1)
    y = torch.zeros_like(x)
    for back in range(min(weight.shape[1], x.shape[2])):
        same = F.pad(documents[:, : x.shape[2] - back], (back, 0), value=-1) == documents
        shifted = F.pad(x, (back, 0))[:, :, : x.shape[2]]
        y = y + torch.where(same[:, None], shifted * weight[:, -1 - back, None], 0.0)
    y = y + bias[:, None]
    return F.silu(y) if activation == "silu" else y


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 4),
    channels=st.integers(1, 40),
    length=st.integers(1, 70),
    taps=st.one_of(st.integers(1, 5), st.integers(1, 40)),
    activation=st.sampled_from([None, "silu"]),
    with_bias=st.booleans(),
    layout=st.sampled_from(["length", "channels", "neither"]),
    dtype=st.sampled_from(list(TOLERANCE)),
    seed=st.integers(0, 2**32),
)
def test_outputs_and_gradients_equal_those_of_torch(
    batch, channels, length, taps, activation, with_bias, layout, dtype, seed
):
    arguments = draw(batch, channels, length, taps, dtype, seed)
    if not with_bias:
        arguments["bias"] = None
    expected = results(reference_convolution, arguments, torch.float64, activation=activation)
    arguments["x"] = laid_out(arguments["x"], layout)
    assert_close(results(causal_convolution, arguments, dtype, activation=activation), expected, TOLERANCE[dtype])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    length=st.integers(1, 60),
    taps=st.integers(1, 20),
    activation=st.sampled_from([None, "silu"]),
    rate=st.floats(0, 0.5),
    seed=st.integers(0, 2**32),
)
def test_no_step_looks_back_beyond_its_document(length, taps, activation, rate, seed):
    arguments = draw(2, 18, length, taps, torch.float64, seed)
    reset = torch.rand(2, length, generator=torch.Generator().manual_seed(seed)) < rate
    expected = results(masked, arguments, torch.float64, activation=activation, reset=reset)
    ours = results(causal_convolution, arguments, torch.float64, activation=activation, reset=reset)
    assert_close(ours, expected, 1e-12)


@pytest.mark.parametrize("start", [1, 3, 15, 16, 30])
def test_the_second_document_is_bit_identical_whatever_the_first_holds(start):
    arguments = draw(2, 20, 50, 4, torch.float32)
    reset = torch.zeros(2, 50, dtype=torch.bool)
    reset[:, start] = True
    changed = arguments | {"x": arguments["x"].clone()}
    changed["x"][:, :, :start] = float("nan")
    ours, others = (
        results(causal_convolution, given, torch.float32, activation="silu", reset=reset)
        for given in (arguments, changed)
    )
    for name in ("y", "d_x"):
        assert torch.equal(ours[name][:, :, start:], others[name][:, :, start:])


@pytest.mark.parametrize("start", [1, 3, 15, 16, 30])
def test_the_second_document_is_bit_identical_to_itself_alone(start):
    arguments = draw(2, 20, 50, 4, torch.float32)
    reset = torch.zeros(2, 50, dtype=torch.bool)
    reset[:, start] = True
    packed = arguments | {"x": arguments["x"].clone().requires_grad_()}
    alone = arguments | {"x": arguments["x"][:, :, start:].clone().requires_grad_()}
    y, y_alone = (
        causal_convolution(**packed, activation="silu", reset=reset),
        causal_convolution(**alone, activation="silu"),
    )
    assert torch.equal(y[:, :, start:], y_alone)
    flow = torch.cos(torch.arange(50.0)).expand_as(y)
    y.backward(flow)
    y_alone.backward(flow[:, :, start:])
    assert torch.equal(packed["x"].grad[:, :, start:], alone["x"].grad)


def test_gradients_pass_gradcheck():
    arguments = draw(2, 3, 19, 4, torch.float64)
    tensors = [x.requires_grad_() for x in arguments.values()]
    assert torch.autograd.gradcheck(lambda x, weight, bias: causal_convolution(x, weight, bias, "silu"), tensors)


@pytest.mark.parametrize("wanted", ["x", "weight", "bias"])
def test_a_gradient_that_is_wanted_alone_is_the_one_among_all(wanted):
    arguments = draw(2, 18, 40, 4, torch.float32)
    expected = results(causal_convolution, arguments, torch.float32, activation="silu")[f"d_{wanted}"]
    arguments[wanted].requires_grad_()
    y = causal_convolution(**arguments, activation="silu")
    y.backward(torch.cos(torch.arange(y.numel(), dtype=torch.float64)).view_as(y).float())
    assert torch.equal(arguments[wanted].grad, expected)
