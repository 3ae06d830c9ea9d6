"""Which code runs where: with mamba-ssm, without it, with its compiled part missing; a GPU is not needed to know.

mamba-ssm and causal-conv1d are stood in for by modules with their names, and the GPU by what torch says of it.
"""

import contextlib
import sys
import types
import warnings

import pytest
import torch
from scan_cases import Case
from transformers.models.mamba import modeling_mamba

from backbones.scan import mixer, mounting, packed, paths, scan_paths, selective_scan
from backbones.scan.paths import INSTALL, choose, missing

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
COMPILED = ("selective_scan_cuda", "causal_conv1d_cuda")


def must_not_be_called(*args, **kwargs):
    raise AssertionError("a CUDA kernel was called with CPU tensors")


def install(monkeypatch, *, python=True, compiled=True):
    """mamba-ssm and causal-conv1d as they are installed: with both parts, without the compiled one, or not at all."""
    interface = types.ModuleType("mamba_ssm.ops.selective_scan_interface")
    interface.selective_scan_fn = interface.mamba_inner_fn = must_not_be_called
    convolution = types.ModuleType("causal_conv1d")
    convolution.causal_conv1d_fn = convolution.causal_conv1d_update = must_not_be_called
    modules = {
        "mamba_ssm": types.ModuleType("mamba_ssm"),
        "mamba_ssm.ops": types.ModuleType("mamba_ssm.ops"),
        "mamba_ssm.ops.selective_scan_interface": interface,
        "causal_conv1d": convolution,
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module if python else None)  # None: importing it fails
    for name in COMPILED:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name) if compiled else None)


@pytest.fixture(autouse=True)
def forget():
    """What was found out about packages and warned of holds for a process; each test is to be one."""
    for cached in (missing, paths._warn):
        cached.cache_clear()
    yield
    for cached in (missing, paths._warn):
        cached.cache_clear()


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"Imagined {index}")


INSTALLATIONS = {
    "present": {},
    "absent": {"python": False, "compiled": False},
    "without its compiled part": {"compiled": False},
}


@pytest.mark.parametrize("installation", INSTALLATIONS.values(), ids=list(INSTALLATIONS))
def test_cpu_tensors_never_reach_a_cuda_kernel(monkeypatch, installation):
    install(monkeypatch, **installation)
    assert choose(CPU) == "cpu"
    arguments = Case().arguments()
    assert torch.equal(
        selective_scan(**arguments, delta_softplus=True),
        selective_scan(**arguments, delta_softplus=True, backend="cpu"),
    )
    x, weight = torch.randn(2, 20, 9), torch.randn(20, 4)
    mounting.causal_conv1d_fn(x, weight, activation="silu")
    mounting.causal_conv1d_update(x[:, :, :1], torch.zeros(2, 20, 4), weight, activation="silu")
    assert mounting.mamba_inner_fn(torch.randn(2, 40, 9)) is None


def test_gpu_tensors_take_the_kernels_where_they_are_compiled(monkeypatch, gpu):
    install(monkeypatch)
    assert choose(GPU) == "cuda"
    cpu, *gpus = scan_paths()
    assert (cpu.device, cpu.path) == ("cpu", "scan: cpu, convolution: cpu")
    assert [path.device for path in gpus] == ["cuda:0", "cuda:1"]
    for path in gpus:
        assert path.path == "scan: cuda (mamba-ssm), convolution: cuda (causal-conv1d)"
        assert path.reason.endswith("mamba-ssm and causal-conv1d are installed with their compiled parts.")


@pytest.mark.parametrize(
    ("installation", "why"),
    [
        (INSTALLATIONS["absent"], "mamba-ssm is not installed"),
        (INSTALLATIONS["without its compiled part"], "mamba-ssm is installed without its compiled part"),
    ],
)
def test_gpu_tensors_fall_back_and_are_told_why_and_what_to_do(monkeypatch, gpu, installation, why):
    install(monkeypatch, **installation)
    with pytest.warns(UserWarning) as caught:
        assert choose(GPU) == "reference"
    assert len(caught) == 1
    assert why in str(caught[0].message)
    assert INSTALL in str(caught[0].message)
    for path in scan_paths()[1:]:
        assert path.path == "scan: reference, convolution: torch"
        assert why in path.reason


def test_the_warning_comes_once(monkeypatch):
    install(monkeypatch, python=False, compiled=False)
    with pytest.warns(UserWarning):
        choose(GPU)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choose(GPU)


def test_a_compiled_part_that_does_not_load_is_as_good_as_none(monkeypatch):
    install(monkeypatch)

    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "selective_scan_cuda":
                raise ImportError("undefined symbol: _ZN3c10")

    monkeypatch.delitem(sys.modules, "selective_scan_cuda")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    assert missing("mamba-ssm") == "mamba-ssm is installed without its compiled part (ImportError)"
    assert missing("causal-conv1d") is None


FUSED = {"mask": None, "documents": None, "cache": None, "training": True, "activation": "silu", "hook": None}
"""A block that mamba-ssm's fused kernel can do."""


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, "fused"),
        ({"activation": "swish"}, "fused"),
        ({"mask": torch.ones(2, 9)}, "theirs"),
        ({"documents": torch.zeros(2, 9, dtype=torch.bool)}, "theirs"),
        ({"cache": object()}, "theirs"),
        ({"training": False}, "theirs"),
        ({"activation": "gelu"}, "theirs"),
        ({"hook": "x_proj"}, "theirs"),
        ({"hook": "out_proj"}, "theirs"),
    ],
    ids=str,
)
def test_a_block_on_a_gpu_is_fused_where_the_kernel_knows_all_there_is_to_it(monkeypatch, change, path):
    """transformers hands the kernel no mask and no activation, so that it must not be called where there is one."""
    install(monkeypatch)
    case = FUSED | change
    monkeypatch.setattr(mixer, "_on_gpu", lambda *arguments: "fused")
    monkeypatch.setattr(mixer, "_theirs", lambda *arguments: "theirs")
    config = modeling_mamba.MambaConfig(hidden_size=8, num_hidden_layers=1, hidden_act=case["activation"])
    block = modeling_mamba.MambaMixer(config, 0).train(case["training"])
    if case["hook"]:
        getattr(block, case["hook"]).register_forward_hook(lambda layer, inputs, output: output)
    hidden_states = types.SimpleNamespace(device=GPU)
    with contextlib.nullcontext() if case["documents"] is None else packed(case["documents"]):
        assert mixer.forward(block, hidden_states, case["cache"], case["mask"]) == path


@pytest.mark.parametrize("installation", [INSTALLATIONS["absent"], INSTALLATIONS["without its compiled part"]])
def test_no_block_on_a_gpu_is_fused_without_the_kernel(monkeypatch, installation):
    install(monkeypatch, **installation)
    monkeypatch.setattr(mixer, "_theirs", lambda *arguments: "theirs")
    block = modeling_mamba.MambaMixer(modeling_mamba.MambaConfig(hidden_size=8, num_hidden_layers=1), 0)
    assert mixer.forward(block, types.SimpleNamespace(device=GPU)) == "theirs"


def test_the_fused_kernel_is_given_what_transformers_gives_it(monkeypatch):
    """Its arguments, from a call of transformers' own forward with the same block and inputs on the CPU."""
    install(monkeypatch)
    calls = []

    def record(*args, **kwargs):
        calls.append((args, kwargs))
        return torch.zeros(())

    config = modeling_mamba.MambaConfig(hidden_size=8, num_hidden_layers=1, use_bias=True)
    block, hidden_states = modeling_mamba.MambaMixer(config, 0).train(), torch.randn(2, 9, 8)
    monkeypatch.setattr(modeling_mamba, "mamba_inner_fn", record)
    mixer._theirs(block, hidden_states)
    monkeypatch.setattr(sys.modules["mamba_ssm.ops.selective_scan_interface"], "mamba_inner_fn", record)
    mixer._on_gpu(block, hidden_states)
    (theirs, their_names), (ours, our_names) = calls
    assert len(ours) == len(theirs)
    assert our_names.keys() == their_names.keys()
    for mine, other in zip([*ours, *our_names.values()], [*theirs, *their_names.values()], strict=True):
        assert torch.equal(mine, other) if isinstance(other, torch.Tensor) else mine is other


def test_the_cuda_scan_is_refused_where_it_cannot_run(monkeypatch):
    install(monkeypatch, compiled=False)
    meta = {name: None if x is None else x.to("meta") for name, x in Case().arguments().items()}
    with pytest.raises(ValueError, match=r"needs tensors on that device"):
        selective_scan(**meta, backend="cuda")


def test_a_device_without_a_scan_takes_the_reference_and_says_so():
    with pytest.warns(UserWarning, match=r"no scan for meta"):
        assert choose(torch.device("meta")) == "reference"


def test_transformers_takes_our_functions_when_mamba_ssm_was_there_first(monkeypatch):
    """transformers keeps what it finds when it is imported; ours are looked up at each call."""
    install(monkeypatch)
    for name in ("mamba_inner_fn", "mamba_selective_scan", "causal_conv1d_fn"):
        monkeypatch.setattr(modeling_mamba, name, must_not_be_called)
    mounting.mount()
    config = modeling_mamba.MambaConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, pad_token_id=0)
    model = modeling_mamba.MambaForCausalLM(config)
    for training in (True, False):
        assert model.train(training)(torch.arange(8)[None]).logits.isfinite().all()
