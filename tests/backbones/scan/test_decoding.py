"""Token by token gives what the whole sequence gives."""

import pytest
import torch
from scan_cases import Case

from backbones.scan import selective_scan
from backbones.scan.convolution import causal_convolution
from backbones.scan.decoding import causal_convolution_update, selective_state_update


@pytest.mark.parametrize("left_out", [(), ("D", "z", "delta_bias")], ids=["all inputs", "required inputs"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 1e-2)]
)
def test_updating_the_state_gives_the_scan_step_by_step(left_out, dtype, tolerance):
    arguments = Case(dtype=dtype, left_out=frozenset({*left_out, "reset"})).arguments()
    expected, last = selective_scan(**arguments, delta_softplus=True, return_last_state=True)
    state = torch.zeros_like(last)
    ys = []
    for t in range(expected.shape[2]):
        step = {
            name: x if x is None or name in ("A", "D", "delta_bias") else x[:, :, t]
            for name, x in arguments.items()
            if name != "reset"
        }
        ys.append(selective_state_update(state, **step, delta_softplus=True))
    y = torch.stack(ys, dim=2)
    assert y.dtype == dtype
    assert (y.double() - expected.double()).norm() <= tolerance * expected.double().norm()
    assert (state.double() - last.double()).norm() <= tolerance * last.double().norm()


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("activation", [None, "silu"])
def test_updating_the_inputs_gives_the_convolution_step_by_step(steps, activation):
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (
        torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((2, 20, 12), (20, 4), (20,))
    )
    expected = causal_convolution(x, weight, bias, activation)
    state = torch.zeros(2, 20, 4, dtype=torch.float64)
    y = torch.cat(
        [causal_convolution_update(part, state, weight, bias, activation) for part in x.split(steps, dim=2)], 2
    )
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(state, x[:, :, -4:])
