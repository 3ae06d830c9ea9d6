"""Documents in one sequence do not touch each other: not in a bit, whatever they hold."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_cases import OVER_TIME, Case, assert_close, results

from backbones.scan import selective_scan
from backbones.scan.documents import Rows, each_document

WITHOUT_RESET = frozenset({"reset"})
ALONG_TIME = ["y", *(f"d_{name}" for name in OVER_TIME)]


def starts(batch, length, *steps):
    reset = torch.zeros(batch, length, dtype=torch.bool)
    reset[:, list(steps)] = True
    return reset


def second_document(tensors, start):
    """What belongs to the steps from `start` on; the other gradients are sums over both documents."""
    return {name: tensors[name][:, :, start:] for name in ALONG_TIME if name in tensors}


def without_flow(arguments, softplus, backend, start):
    """Results where all gradients come from the second document."""

    def scan(**given):
        y, last = selective_scan(**given)
        return torch.cat([y[:, :, :start].detach(), y[:, :, start:]], dim=2), last

    return results(arguments, softplus, backend, scan=scan)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    start=st.integers(1, 60),
    rest=st.integers(1, 40),
    layout=st.sampled_from(["length", "channels"]),
    filling=st.sampled_from([0.0, 1.0, -30.0, 1e4, float("inf"), float("nan")]),
)
def test_the_second_document_is_bit_identical_whatever_the_first_holds(backend, dtype, start, rest, layout, filling):
    length = start + rest
    case = Case(batch=2, channels=20, states=5, length=length, dtype=dtype, layout=layout, left_out=WITHOUT_RESET)
    arguments = case.arguments() | {"reset": starts(2, length, start)}
    changed = dict(arguments)
    for name in OVER_TIME:
        changed[name] = arguments[name].clone()
        changed[name][:, :, :start] = filling
    ours, others = (second_document(results(given, True, backend), start) for given in (arguments, changed))
    for name, tensor in ours.items():
        assert torch.equal(tensor, others[name]), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("start", [1, 15, 16, 17, 40])
def test_the_second_document_is_bit_identical_to_itself_alone(dtype, start):
    case = Case(batch=2, channels=70, states=5, length=start + 37, dtype=dtype, left_out=WITHOUT_RESET)
    arguments = case.arguments()
    packed = without_flow(arguments | {"reset": starts(2, start + 37, start)}, True, "cpu", start)
    cut = {name: x[:, :, start:] if name in OVER_TIME else x for name, x in arguments.items()}
    generator = torch.Generator().manual_seed(0)
    flow = torch.randn(packed["y"].shape, generator=generator, dtype=torch.float64).to(dtype)[:, :, start:]
    flow_last = torch.randn(packed["last"].shape, generator=generator, dtype=torch.float64).to(dtype)
    given = {name: x if x is None else x.detach().requires_grad_() for name, x in cut.items()}
    y, last = selective_scan(**given, delta_softplus=True, return_last_state=True)
    torch.autograd.backward([y, last], [flow, flow_last])
    assert torch.equal(y, packed["y"][:, :, start:])
    assert torch.equal(last, packed["last"])
    for name in OVER_TIME:
        assert torch.equal(given[name].grad, packed[f"d_{name}"][:, :, start:]), name


def test_a_reset_at_the_first_step_changes_nothing():
    arguments = Case(left_out=WITHOUT_RESET).arguments()
    plain, reset = (results(arguments | {"reset": mask}, True, "cpu") for mask in (None, starts(2, 40, 0)))
    assert all(torch.equal(plain[name], reset[name]) for name in plain)


def test_a_reset_at_every_step_leaves_no_recurrence():
    arguments = Case(left_out=frozenset({"D", "z", "delta_bias"}), softplus=False).arguments()
    arguments["reset"] = torch.ones(2, 40, dtype=torch.bool)
    y = selective_scan(**arguments)
    expected = arguments["delta"] * arguments["u"] * (arguments["B"] * arguments["C"]).sum(1, keepdim=True)
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32), batch=st.integers(1, 4), length=st.integers(1, 60), rate=st.floats(0, 1))
def test_documents_as_rows_of_a_batch_equal_resets(seed, batch, length, rate):
    """The way that resets take on a GPU, on the CPU."""
    case = Case(batch=batch, channels=7, states=3, length=length, seed=seed, left_out=WITHOUT_RESET)
    arguments = case.arguments()
    reset = torch.rand(batch, length, generator=torch.Generator().manual_seed(seed)) < rate

    def by_rows(reset, **given):
        rows = Rows(reset)
        given = {k: rows.unpack(x) if k in OVER_TIME and x is not None else x for k, x in given.items()}
        y, last = selective_scan(**given)
        return rows.pack(y), last[rows.last]

    expected = results(arguments | {"reset": reset}, True, "reference")
    assert_close(results(arguments | {"reset": reset}, True, "cpu", scan=by_rows), expected, 1e-12)


def test_rows_put_each_document_at_the_end_of_its_own():
    reset = starts(1, 5, 2)
    rows = Rows(reset)
    packed = torch.arange(1.0, 6.0).view(1, 1, 5)
    assert rows.unpack(packed).tolist() == [[[0, 1, 2]], [[3, 4, 5]]]
    assert torch.equal(rows.pack(rows.unpack(packed)), packed)
    assert rows.last.tolist() == [1]


def test_each_document_is_seen_alone():
    x = torch.arange(1.0, 7.0).view(1, 1, 6)
    summed = each_document(lambda x: x.cumsum(2), [x], starts(1, 6, 4))
    assert summed.flatten().tolist() == [1, 3, 6, 10, 5, 11]
