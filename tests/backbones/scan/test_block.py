"""The block as one function equals the convolution, the projections and the scan called one by one."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_cases import assert_close

from backbones.scan import selective_scan
from backbones.scan.block import mamba_block
from backbones.scan.convolution import reference_convolution

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
WEIGHTS = ("convolution", "convolution_bias", "W_p", "W_delta", "A", "D", "delta_bias")


def draw(batch=2, length=37, channels=20, states=5, rank=3, taps=4, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    return {
        "xz": normal(batch, length, 2 * channels),
        "convolution": normal(channels, taps),
        "convolution_bias": normal(channels),
        "W_p": normal(rank + 2 * states, channels) / channels**0.5,
        "W_delta": normal(channels, rank) / rank**0.5,
        "A": -normal(channels, states).exp(),
        "D": normal(channels),
        "delta_bias": normal(channels) * 0.5,
    }


def one_by_one(xz, convolution, convolution_bias, W_p, W_delta, A, D, delta_bias, mask=None, reset=None):
    """The same from torch and the reference; with resets each document of the convolution by itself."""
    x, z = xz.transpose(1, 2).chunk(2, dim=1)
    u = torch.cat(
        [reference_convolution(part, convolution, convolution_bias, "silu") for part in documents(x, reset)], 2
    )
    if mask is not None:
        u = u * mask[:, None]
    p = u.transpose(1, 2) @ W_p.T
    rank, states = W_delta.shape[1], A.shape[1]
    delta, B, C = p.split([rank, states, states], dim=2)
    delta = (delta @ W_delta.T).transpose(1, 2)
    B, C = B.transpose(1, 2), C.transpose(1, 2)
    y = selective_scan(u, delta, A, B, C, D, z, delta_bias, True, reset=reset, backend="reference")
    return y.transpose(1, 2)


def documents(x, reset):
    """x cut where the first sequence starts a document; all sequences are to start them at the same steps."""
    if reset is None:
        return [x]
    starts = [0, *(t for t in range(1, x.shape[2]) if reset[0, t]), x.shape[2]]
    return [x[:, :, first:stop] for first, stop in itertools.pairwise(starts)]


def results(function, arguments, dtype, **options):
    given = {name: None if x is None else x.detach().to(dtype).requires_grad_() for name, x in arguments.items()}
    y = function(**given, **options)
    y.backward(torch.cos(torch.arange(y.numel(), dtype=torch.float64)).view(y.shape).to(dtype))
    return {"y": y.detach()} | {f"d_{name}": x.grad for name, x in given.items() if x is not None}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 4),
    length=st.integers(1, 60),
    channels=st.integers(1, 70),
    states=st.integers(1, 20),
    rank=st.integers(1, 9),
    taps=st.integers(1, 5),
    with_bias=st.booleans(),
    masked=st.booleans(),
    packed=st.booleans(),
    dtype=st.sampled_from(list(TOLERANCE)),
    seed=st.integers(0, 2**32),
)
def test_outputs_and_gradients_equal_those_of_its_parts(
    batch, length, channels, states, rank, taps, with_bias, masked, packed, dtype, seed
):
    arguments = draw(batch, length, channels, states, rank, taps, seed, dtype)
    if not with_bias:
        arguments["convolution_bias"] = None
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(batch, length, generator=generator) < 0.8 if masked else None
    reset = (torch.rand(1, length, generator=generator) < 0.1).expand(batch, -1) if packed else None
    expected = results(one_by_one, arguments, torch.float64, mask=mask, reset=reset)
    assert_close(results(mamba_block, arguments, dtype, mask=mask, reset=reset), expected, TOLERANCE[dtype])


def test_gradients_pass_gradcheck():
    arguments = draw(length=19, channels=3, states=2, rank=2)
    tensors = [x.requires_grad_() for x in arguments.values()]
    assert torch.autograd.gradcheck(mamba_block, tensors)


@pytest.mark.parametrize("wanted", ["xz", *WEIGHTS])
def test_a_gradient_that_is_wanted_alone_is_the_one_among_all(wanted):
    arguments = draw(dtype=torch.float32)
    expected = results(mamba_block, arguments, torch.float32)[f"d_{wanted}"]
    arguments[wanted].requires_grad_()
    y = mamba_block(**arguments)
    y.backward(torch.cos(torch.arange(y.numel(), dtype=torch.float64)).view(y.shape).float())
    assert torch.equal(arguments[wanted].grad, expected)


@pytest.mark.parametrize("start", [1, 3, 16, 30])
def test_the_second_document_is_bit_identical_whatever_the_first_holds(start):
    arguments = draw(length=50, dtype=torch.float32)
    reset = torch.zeros(2, 50, dtype=torch.bool)
    reset[:, start] = True
    changed = arguments | {"xz": arguments["xz"].clone()}
    changed["xz"][:, :start] = -arguments["xz"][:, :start]
    ours, others = (results(mamba_block, given, torch.float32, reset=reset) for given in (arguments, changed))
    for name in ("y", "d_xz"):
        assert torch.equal(ours[name][:, start:], others[name][:, start:])
        assert not torch.equal(ours[name][:, :start], others[name][:, :start])


def test_nothing_is_kept_where_no_gradient_is_wanted():
    arguments = draw(dtype=torch.float32)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        mamba_block(**arguments)
        with torch.no_grad():
            mamba_block(**arguments | {"xz": arguments["xz"].clone().requires_grad_()})
    assert not kept
