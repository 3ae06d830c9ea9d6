"""One thread and many, once and again, from several threads and after a fork: the same bits."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from scan_cases import Case, assert_same_bits, results

from backbones.scan import selective_scan
from backbones.scan.convolution import causal_convolution

CASES = [
    Case(batch=3, channels=70, states=5, length=50, dtype=torch.float32),
    Case(batch=1, channels=200, states=16, length=33, dtype=torch.float64, layout="channels"),
]


@pytest.fixture(autouse=True)
def threads():
    """Sets torch's number of threads; puts back what it was."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def convolution_results(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (
        torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_()
        for shape in ((3, 70, 50), (70, 4), (70,))
    )
    y = causal_convolution(x, weight, bias, "silu")
    y.backward(torch.cos(y.detach()))
    return {"y": y.detach(), "d_x": x.grad, "d_weight": weight.grad, "d_bias": bias.grad}


@pytest.mark.parametrize("case", CASES)
def test_the_number_of_threads_changes_no_bit(threads, case):
    arguments = case.arguments()
    threads(1)
    one = results(arguments, True, "cpu")
    for count in (2, 3, 8):
        threads(count)
        assert_same_bits(results(arguments, True, "cpu"), one)


def test_the_number_of_threads_changes_no_bit_of_the_convolution(threads):
    threads(1)
    one = convolution_results()
    for count in (2, 5):
        threads(count)
        assert_same_bits(convolution_results(), one)


@pytest.mark.parametrize("case", CASES)
def test_a_second_call_changes_no_bit(threads, case):
    threads(2)
    arguments = case.arguments()
    assert_same_bits(results(arguments, True, "cpu"), results(arguments, True, "cpu"))


@pytest.mark.parametrize("case", [CASES[0], CASES[0].in_dtype(torch.float64)])
def test_a_batch_is_bit_identical_to_its_sequences_one_by_one(case):
    arguments = case.arguments()
    whole = selective_scan(**arguments, delta_softplus=True)
    of_one = {"A", "D", "delta_bias"}
    for b in range(case.batch):
        alone = {name: x if name in of_one else x[b : b + 1] for name, x in arguments.items()}
        assert torch.equal(selective_scan(**alone, delta_softplus=True), whole[b : b + 1])


def test_several_threads_may_call_at_once(threads):
    threads(2)
    arguments = CASES[0].arguments()
    expected = results(arguments, True, "cpu")
    with ThreadPoolExecutor(4) as callers:
        for ours in callers.map(lambda _: results(arguments, True, "cpu"), range(16)):
            assert_same_bits(ours, expected)


FORKING = """
import faulthandler, os, torch
from backbones.scan import selective_scan
torch.set_num_threads(2)
tensors = [torch.ones(shape) for shape in ((3, 70, 50), (3, 70, 50), (70, 5), (3, 5, 50), (3, 5, 50))]
expected = selective_scan(*tensors)
child = os.fork()
if child == 0:
    faulthandler.dump_traceback_later(60, exit=True)
    os._exit(0 if torch.equal(selective_scan(*tensors), expected) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_may_call_as_well():
    subprocess.run([sys.executable, "-c", FORKING], check=True, timeout=120)


def test_compiled_kernels_are_kept_on_disk_for_the_next_process(tmp_path):
    """A second process takes the kernel from the cache: numba counts what it found there."""
    program = (
        "import torch\n"
        "from backbones.scan.cpu import _kernel\n"
        "print(sum(_kernel('forward', torch.float32).stats.cache_hits.values()))\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    hits = [
        subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
        for _ in range(2)
    ]
    assert [run.stdout.strip() for run in hits] == ["0", "1"]
