"""On a GPU with mamba-ssm: the kernel equals the reference, resets isolate, and the mounted model trains."""

import pytest
import torch
from scan_cases import TENSORS, Case
from transformers import MambaConfig, MambaForCausalLM
from transformers.models.mamba import modeling_mamba

from backbones.scan import mount, mounting, packed, selective_scan
from backbones.scan.convolution import causal_convolution, reference_convolution
from backbones.scan.paths import missing

pytestmark = pytest.mark.gpu
KERNELS = ("mamba-ssm", "causal-conv1d")


@pytest.fixture(autouse=True)
def kernels():
    for package in KERNELS:
        if (reason := missing(package)) is not None:
            pytest.skip(reason)


def on_gpu(arguments):
    return {name: None if x is None else x.cuda() for name, x in arguments.items()}


def outputs_and_gradients(arguments, backend):
    given = {k: x if x is None or k == "reset" else x.detach().requires_grad_() for k, x in arguments.items()}
    y = selective_scan(**given, delta_softplus=True, backend=backend)
    y.backward(torch.cos(torch.arange(y.numel(), device=y.device)).view_as(y).to(y))
    return {"y": y.detach()} | {f"d_{name}": given[name].grad for name in TENSORS if given[name] is not None}


@pytest.mark.parametrize("left_out", [frozenset(), frozenset({"reset"})], ids=["resets", "no resets"])
@pytest.mark.parametrize(
    ("dtype", "rtol", "atol"), [(torch.float32, 6e-4, 2e-3), (torch.bfloat16, 3e-2, 5e-2)], ids=["fp32", "bf16"]
)
def test_the_kernel_equals_the_reference(left_out, dtype, rtol, atol):
    arguments = on_gpu(Case(batch=3, channels=64, length=150, dtype=dtype, left_out=left_out).arguments())
    ours, reference = (outputs_and_gradients(arguments, backend) for backend in ("cuda", "reference"))
    for name, tensor in ours.items():
        scale = float(reference[name].abs().max().clamp(min=1))
        torch.testing.assert_close(tensor, reference[name], rtol=5 * rtol, atol=atol * scale, msg=name)


def test_float64_takes_the_reference_rather_than_less_precision():
    arguments = on_gpu(Case().arguments())
    ours, reference = (selective_scan(**arguments, backend=backend) for backend in ("cuda", "reference"))
    assert torch.equal(ours, reference)


def test_the_second_document_is_bit_identical_whatever_the_first_holds():
    reset = torch.zeros(2, 60, dtype=torch.bool)
    reset[:, 23] = True
    arguments = on_gpu(Case(length=60, dtype=torch.float32).arguments() | {"reset": reset})
    changed = arguments | {"u": arguments["u"].clone()}
    changed["u"][:, :, :23] = float("nan")
    ours, others = (selective_scan(**given, delta_softplus=True)[:, :, 23:] for given in (arguments, changed))
    assert torch.equal(ours, others)


def test_the_convolution_equals_that_of_torch():
    x, weight, bias = torch.randn(2, 64, 50).cuda(), torch.randn(64, 4).cuda(), torch.randn(64).cuda()
    ours = causal_convolution(x, weight, bias, "silu")
    torch.testing.assert_close(ours, reference_convolution(x, weight, bias, "silu"), rtol=1e-3, atol=1e-3)


def test_the_model_gives_the_same_on_a_gpu_as_on_a_cpu(monkeypatch):
    for name in ("mamba_inner_fn", "mamba_selective_scan", "causal_conv1d_fn"):
        monkeypatch.setattr(modeling_mamba, name, getattr(mounting, name))
    mount()
    torch.manual_seed(0)
    model = MambaForCausalLM(MambaConfig(vocab_size=40, hidden_size=64, num_hidden_layers=2, pad_token_id=0)).train()
    tokens = torch.randint(0, 40, (3, 37))
    reset = torch.zeros(3, 37, dtype=torch.bool)
    expected = model(tokens).logits
    with packed(reset):
        torch.testing.assert_close(model(tokens).logits, expected)
    ours = model.cuda()(tokens.cuda()).logits.cpu()
    torch.testing.assert_close(ours, expected, rtol=1e-2, atol=1e-2)
    with packed(reset.cuda()):
        torch.testing.assert_close(model(tokens.cuda()).logits.cpu(), expected, rtol=1e-2, atol=1e-2)
