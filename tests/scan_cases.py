"""Random arguments for the scan, and what the reference makes of them in float64."""

from dataclasses import dataclass, field, replace

import torch
from hypothesis import strategies as st

from backbones.scan import selective_scan

TENSORS = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias")
OVER_TIME = ("u", "delta", "B", "C", "z")


@dataclass(frozen=True)
class Case:
    """Arguments of one call, drawn from a seed in float64 but with values that `dtype` holds exactly."""

    batch: int = 2
    channels: int = 20
    states: int = 16
    length: int = 40
    seed: int = 0
    dtype: torch.dtype = torch.float64
    left_out: frozenset = frozenset()
    """Of D, z, delta_bias and reset."""
    softplus: bool = True
    layout: str = "length"
    """Which axis is contiguous: length, channels, or neither."""
    changes: dict = field(default_factory=dict, compare=False)
    """Arguments that are not random."""

    def arguments(self):
        generator = torch.Generator().manual_seed(self.seed)

        def normal(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64).to(self.dtype).double()

        over_time = (self.batch, self.channels, self.length)
        arguments = {
            "u": normal(*over_time),
            "delta": normal(*over_time) * 0.5 if self.softplus else normal(*over_time).abs() * 0.5,
            "A": -normal(self.channels, self.states).exp(),
            "B": normal(self.batch, self.states, self.length),
            "C": normal(self.batch, self.states, self.length),
            "D": normal(self.channels),
            "z": normal(*over_time),
            "delta_bias": normal(self.channels) * 0.5 if self.softplus else normal(self.channels).abs() * 0.5,
            "reset": torch.rand(self.batch, self.length, generator=generator) < 0.1,
        }
        arguments = {name: None if name in self.left_out else x for name, x in arguments.items()} | self.changes
        for name in TENSORS:
            if arguments[name] is not None:
                arguments[name] = arguments[name].to(self.dtype)
        for name in OVER_TIME:
            if arguments[name] is not None:
                arguments[name] = laid_out(arguments[name], self.layout)
        return arguments

    def in_dtype(self, dtype):
        return replace(self, dtype=dtype)


def laid_out(x, layout):
    """The same numbers, in memory in another order."""
    if layout == "channels":
        return x.transpose(1, 2).contiguous().transpose(1, 2)
    if layout == "neither":
        wide = x.new_zeros(x.shape[0], 2 * x.shape[1], 3 * x.shape[2])[:, ::2, ::3]
        wide.copy_(x)
        return wide
    return x


def cases(batch=5, channels=70, states=64, length=700, work=2_000_000):
    """Cases of up to these sizes; `work` bounds their product."""
    return st.builds(
        Case,
        batch=st.integers(1, batch),
        channels=st.integers(1, channels),
        states=st.integers(1, states),
        length=st.one_of(st.integers(1, min(70, length)), st.integers(1, length)),
        seed=st.integers(0, 2**32),
        left_out=st.frozensets(st.sampled_from(["D", "z", "delta_bias", "reset"])),
        softplus=st.booleans(),
        layout=st.sampled_from(["length", "channels", "neither"]),
    ).filter(lambda case: case.batch * case.channels * case.states * case.length <= work)


def results(arguments, softplus, backend, dtype=None, seed=0, scan=selective_scan):
    """Outputs, last state and the gradients of everything that has one, for gradients of both drawn from a seed."""
    dtype = dtype or arguments["u"].dtype
    given = {
        name: None if x is None else x if name == "reset" else x.detach().to(dtype).requires_grad_()
        for name, x in arguments.items()
    }
    y, last = scan(**given, delta_softplus=softplus, return_last_state=True, backend=backend)
    generator = torch.Generator().manual_seed(seed)
    # Rounded to the type of the arguments, as they are: what is computed in another type is to see the same numbers.
    flows = [torch.randn(x.shape, generator=generator, dtype=torch.float64).to(arguments["u"].dtype) for x in (y, last)]
    # The last state of an empty sequence depends on nothing.
    pairs = [(x, flow.to(x.dtype)) for x, flow in zip((y, last), flows, strict=True) if x.requires_grad]
    torch.autograd.backward(*zip(*pairs, strict=True))
    gradients = {f"d_{name}": x.grad for name, x in given.items() if name != "reset" and x is not None}
    return {"y": y.detach(), "last": last.detach()} | gradients


def floor(tensor):
    """What the norm of a difference may be however small the numbers are: below the normal range we have zeros."""
    return torch.finfo(tensor.dtype).tiny * max(tensor.numel(), 1) * 100


def assert_close(ours, reference, tolerance):
    assert ours.keys() == reference.keys()
    for name, tensor in ours.items():
        assert tensor.shape == reference[name].shape, name
        difference, norm = (float(x.double().norm()) for x in (tensor.double() - reference[name], reference[name]))
        assert difference <= tolerance * norm + floor(tensor), (name, difference, norm)


def assert_same_bits(ours, others):
    assert ours.keys() == others.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, others[name]), name
