"""The CPU scan equals the reference: outputs, last state and all gradients, for any shapes, strides and options."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scan_cases import TENSORS, Case, assert_close, cases, results
from torch.utils._python_dispatch import TorchDispatchMode

from backbones.scan import cpu, selective_scan

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 1e-2}
SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.filter_too_much, HealthCheck.too_slow]}
DTYPES = st.sampled_from(list(TOLERANCE))


def check(case, dtype):
    case = case.in_dtype(dtype)
    arguments = case.arguments()
    reference = results(arguments, case.softplus, "reference", torch.float64)
    ours = results(arguments, case.softplus, "cpu")
    assert ours["y"].dtype == dtype
    assert all(gradient.dtype == dtype for name, gradient in ours.items() if name.startswith("d_"))
    assert_close(ours, reference, TOLERANCE[dtype])


@settings(max_examples=100, derandomize=True, **SETTINGS)
@given(case=cases(work=500_000), dtype=DTYPES)
def test_everything_equals_the_reference(case, dtype):
    check(case, dtype)


@pytest.mark.slow
@settings(max_examples=600, **SETTINGS)
@given(case=cases(work=20_000_000), dtype=DTYPES)
def test_everything_equals_the_reference_at_full_size(case, dtype):
    check(case, dtype)


@pytest.mark.parametrize("layout", ["length", "channels", "neither"])
@pytest.mark.parametrize("length", [15, 16, 17, 33])
@pytest.mark.parametrize("channels", [16, 63, 64, 65])
def test_sizes_at_the_edges_of_tiles_and_groups(layout, length, channels):
    check(Case(batch=2, channels=channels, states=3, length=length, layout=layout), torch.float64)


@pytest.mark.parametrize("left_out", [(), ("D", "z", "delta_bias", "reset")], ids=["all inputs", "required inputs"])
@pytest.mark.parametrize("softplus", [True, False])
def test_gradients_pass_gradcheck(left_out, softplus):
    case = Case(batch=2, channels=3, states=2, length=19, left_out=frozenset(left_out), softplus=softplus)
    arguments = case.arguments()
    names = [name for name in TENSORS if arguments[name] is not None]

    def scan(*tensors):
        given = dict(zip(names, tensors, strict=True))
        return selective_scan(
            **given, reset=arguments["reset"], delta_softplus=softplus, return_last_state=True, backend="cpu"
        )

    assert torch.autograd.gradcheck(scan, [arguments[name].requires_grad_() for name in names])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("softplus", [True, False])
@pytest.mark.parametrize("rate", [-1e-4, -1.0, -1e4])
@pytest.mark.parametrize("delta", [-100.0, 0.0, 1e-6, 20.0, 20.5, 100.0, "mixed"])
def test_extreme_values_give_what_the_reference_gives(dtype, softplus, rate, delta):
    case = Case(length=35, dtype=dtype, softplus=softplus, left_out=frozenset({"delta_bias"}))
    plain = case.arguments()
    if delta == "mixed":
        choices = torch.tensor([-100.0, -20.0, 0.0, 1.0, 100.0], dtype=torch.float64)
        deltas = choices[torch.arange(plain["u"].numel()) * 7 % 5].view_as(plain["u"])
    else:
        deltas = torch.full_like(plain["u"], delta)
    if not softplus:
        deltas = deltas.abs()
    arguments = plain | {"delta": deltas.to(dtype), "A": torch.full_like(plain["A"], rate)}
    ours, reference = results(arguments, softplus, "cpu"), results(arguments, softplus, "reference", torch.float64)
    for name, tensor in ours.items():
        assert tensor.isfinite().all(), name
    assert_close(ours, reference, TOLERANCE[dtype])


def test_an_overflow_is_infinite_and_a_nan_stays_a_nan_as_in_the_reference():
    case = Case(
        batch=1, channels=1, states=1, length=2, left_out=frozenset({"D", "z", "delta_bias", "reset"}), softplus=False
    )
    arguments = case.arguments()
    for name, value in (("delta", 1e4), ("A", float("nan"))):
        changed = arguments | {name: torch.full_like(arguments[name], value)}
        if name == "delta":
            changed["A"] = torch.ones_like(arguments["A"])
        ours, reference = (selective_scan(**changed, backend=backend) for backend in ("cpu", "reference"))
        assert torch.equal(ours.isfinite(), reference.isfinite())
        assert torch.equal(ours.isnan(), reference.isnan())


@pytest.mark.parametrize("wanted", TENSORS)
def test_a_gradient_that_is_wanted_alone_is_the_one_among_all(wanted):
    case = Case()
    arguments = case.arguments()
    expected = results(arguments, True, "cpu")[f"d_{wanted}"]
    given = {name: x if name != wanted else x.clone().requires_grad_() for name, x in arguments.items()}
    y, last = selective_scan(**given, delta_softplus=True, return_last_state=True)
    generator = torch.Generator().manual_seed(0)
    flows = [torch.randn(x.shape, generator=generator, dtype=torch.float64) for x in (y, last)]
    torch.autograd.backward([y, last], flows)
    assert torch.equal(given[wanted].grad, expected)


def test_no_states_are_kept_where_no_gradient_is_wanted():
    arguments = Case().arguments()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        selective_scan(**arguments, delta_softplus=True)
        with torch.no_grad():
            selective_scan(**arguments | {"u": arguments["u"].clone().requires_grad_()}, delta_softplus=True)
    assert not kept


def test_only_the_state_before_every_sixteenth_step_is_kept():
    arguments = Case(batch=2, channels=32, states=16, length=160).arguments()
    given = {k: x if x is None or k == "reset" else x.requires_grad_() for k, x in arguments.items()}
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        selective_scan(**given, delta_softplus=True)
    assert max(kept) == 2 * 32 * 16 * 160 // 16


@pytest.mark.parametrize("length", [0, 1])
@pytest.mark.parametrize("batch", [0, 1])
def test_empty_sequences_and_batches_pass_through(batch, length):
    case = Case(batch=batch, length=length)
    for backend in ("cpu", "reference"):
        tensors = results(case.arguments(), True, backend)
        assert tensors["y"].shape == (batch, 20, length)
        assert all(tensor.isfinite().all() for tensor in tensors.values() if tensor is not None)


def test_types_that_are_mixed_are_computed_in_the_widest():
    arguments = Case().arguments()
    mixed = {k: x if x is None or k == "reset" else x.float() for k, x in arguments.items()}
    mixed["u"] = mixed["u"].bfloat16()
    ours = selective_scan(**mixed, delta_softplus=True)
    theirs = selective_scan(**mixed, delta_softplus=True, backend="reference")
    assert ours.dtype == theirs.dtype == torch.bfloat16
    assert (ours.double() - theirs.double()).norm() <= 1e-2 * theirs.double().norm()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"delta": torch.zeros(2, 20, 39)}, r"delta must be 2 x 20 x 40"),
        ({"B": torch.zeros(2, 15, 40)}, r"B must be 2 x 16 x 40"),
        ({"B": torch.zeros(2, 3, 16, 40)}, r"20 channels do not fall into the 3 equal groups"),
        ({"reset": torch.zeros(2, 40)}, r"reset must be bool"),
        ({"D": torch.zeros(20, dtype=torch.long)}, r"D must hold real floating-point numbers"),
        ({"u": torch.zeros(20, 40)}, r"u must be batch x channels x length"),
        ({"D": torch.zeros(20, device="meta")}, r"D is on meta"),
        ({"backend": "gpu"}, r"backend must be one of"),
        ({"backend": "cuda"}, r"The cuda scan needs tensors on that device"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_in_one_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        selective_scan(**Case().arguments() | change)


class Largest(TorchDispatchMode):
    """Numbers in the largest tensor that torch makes."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.numbers = max(self.numbers, result.untyped_storage().nbytes() // result.itemsize)
        return result


def test_nothing_as_large_as_batch_x_channels_x_length_x_state_is_made():
    batch, channels, states, length = 2, 64, 32, 160
    arguments = Case(batch=batch, channels=channels, states=states, length=length).arguments()
    sizes = {}
    for backend in ("cpu", "reference"):
        with Largest() as largest:
            results(arguments, True, backend)
        sizes[backend] = largest.numbers
    whole = batch * channels * states * length
    assert sizes["cpu"] == whole // 16  # the states that are kept
    assert sizes["reference"] <= whole


@pytest.mark.parametrize("wanted", TENSORS)
def test_no_memory_is_taken_for_a_gradient_that_is_not_wanted(monkeypatch, wanted):
    arguments = Case(batch=2, channels=20, states=16, length=40).arguments()
    given = {name: x if name != wanted else x.clone().requires_grad_() for name, x in arguments.items()}
    y = selective_scan(**given, delta_softplus=True)
    seen = []
    run = cpu.run
    monkeypatch.setattr(cpu, "run", lambda kernel, values, tasks: seen.append(values) or run(kernel, values, tasks))
    y.sum().backward()
    gradients = seen[0][-8:]
    assert sum(gradient.size > 0 for gradient in gradients) == 1
