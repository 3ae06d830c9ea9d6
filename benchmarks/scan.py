"""The CPU scan against what else Mamba can run on: transformers' loop, mambapy, and our reference.

    python -m benchmarks.scan                 writes benchmarks/results/scan.json; about fifteen minutes on two cores
    python -m benchmarks.scan --quick         ours alone, one minute, writes nothing
    python -m benchmarks.scan --shared        where others compute too: one thread, its time on the processor

Three questions, each answered in one run, as ratios, since times move with what else the machine does:

layer    Forward and backward of one scan (batch 64, 256 channels, state 16) at growing lengths, beside one pass of
         `torch.exp` over batch x channels x length x state numbers: what computing the decays alone would cost, the
         limit of every scan that writes them down. Target: at most two such passes, and time linear in length. The
         others do the same work once, at the lengths that they can be waited for.
step     A whole training step of `MambaForCausalLM`. Target for 2 layers, width 128, batch 64, length 200: 25 times
         faster than mambapy, 200 times faster than the loop. Beside it the time of its matrix products alone, which
         no scan can go under.
memory   What a step of that shape adds to the peak of the process. Target: below a tenth of mambapy's.

mambapy is measured where it is installed (pip install mambapy). The loop takes over a minute for one step at length
200, and its time grows with the square of the length: longer it is left out.
"""

import argparse
import multiprocessing
import resource
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import MambaConfig, MambaForCausalLM
from transformers.models.mamba import modeling_mamba
from transformers.utils.import_utils import is_mambapy_available

from backbones.scan import mount, selective_scan
from benchmarks.timing import write_results

LENGTHS = (50, 100, 200, 400, 800)
WIDTHS = (64, 128, 256, 512, 768)
STATE = 16
VOCABULARY = 400
TARGET = {"width": 128, "length": 200, "batch": 64}
LONGEST_LOOP = 100
"""Of the loop in the sweep over lengths; at the target's length it is measured once, as part of the target."""
LONGEST_LAYER = {"loop": 100, "mambapy": 400, "reference": 400}
"""Of one scan of batch 64: time for the loop, memory for the others."""
clock = time.perf_counter
REPLACED = [
    *((modeling_mamba, name) for name in ("mamba_selective_scan", "causal_conv1d_fn")),
    (modeling_mamba.MambaMixer, "forward"),
    (modeling_mamba.MambaRMSNorm, "forward"),
]
THEIRS = [(place, name, getattr(place, name)) for place, name in REPLACED]


def by_the_reference(*tensors: Any, **options: Any) -> Any:
    """What modeling_mamba calls, in the names that it uses."""
    names = ("D", "z", "delta_bias", "delta_softplus", "return_last_state")
    return selective_scan(*tensors, **{k: options[k] for k in names if k in options}, backend="reference")


SCANS: dict[str, Callable[..., torch.Tensor]] = {
    "ours": partial(selective_scan, backend="cpu"),  # type: ignore[dict-item]
    "reference": by_the_reference,
    "loop": modeling_mamba.mamba_selective_scan,
    "mambapy": partial(modeling_mamba.mamba_selective_scan, use_mambapy=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="measure our own scan alone and write nothing")
    parser.add_argument("--shared", action="store_true", help="measure one thread by its time on the processor")
    arguments = parser.parse_args()
    quick = arguments.quick
    if arguments.shared:
        global clock
        clock = time.process_time
        torch.set_num_threads(1)
    others = [] if quick else ["loop", "reference", *(["mambapy"] if is_mambapy_available() else [])]
    rows: list[dict[str, Any]] = []

    def keep(row: dict[str, Any]) -> None:
        rows.append(row)
        print(row, flush=True)

    for length in LENGTHS:
        keep(measure_layer(others, length))
    keep(measure_step(others, **TARGET))
    for length in LENGTHS:
        keep(measure_step(others, width=128, length=length, batch=16))
    for width in WIDTHS:
        keep(measure_step([x for x in others if x == "mambapy"], width=width, length=100, batch=16))
    for implementation in ["ours", *(x for x in others if x == "mambapy")]:
        keep(
            {"what": "memory", "implementation": implementation, **TARGET, "megabytes": measure_memory(implementation)}
        )
    if not quick:
        write_results("scan", f"python -m benchmarks.scan{' --shared' * arguments.shared}", rows)


def measure_layer(others: list[str], length: int, batch: int = 64, channels: int = 256) -> dict[str, Any]:
    """Forward and backward of one scan on each implementation, and a pass of exp, in milliseconds."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    # As linear layers leave them: channels side by side.
    u, delta, z, flow = (normal(batch, length, channels).transpose(1, 2) for _ in range(4))
    B, C = (normal(batch, length, STATE).transpose(1, 2) for _ in range(2))
    A, D, bias = -normal(channels, STATE).exp(), normal(channels), normal(channels) - 4
    for tensor in (inputs := (u, delta, A, B, C, D, z, bias)):
        tensor.requires_grad_()
    numbers = normal(batch, channels, length, STATE)

    def scan(implementation: str, backward: bool) -> None:
        function = SCANS[implementation]
        with torch.set_grad_enabled(backward):
            y = function(*inputs, delta_softplus=True)
        if backward:
            torch.autograd.grad(y, inputs, flow)

    timed: dict[str, Callable[[], object]] = {
        "forward": partial(scan, "ours", False),
        "forward_and_backward": partial(scan, "ours", True),
        "exp_to_new_memory": partial(torch.exp, numbers),
        "exp_in_place": lambda: torch.exp_(numbers.fill_(-1.0)),
        "fill": lambda: numbers.fill_(-1.0),
    }
    seconds = interleaved(timed, rounds=5)
    # exp again and again of the same memory would overflow, so it is filled before, and the filling subtracted.
    seconds["exp_in_place"] -= seconds.pop("fill")
    row: dict[str, Any] = {"what": "layer", "batch": batch, "channels": channels, "state": STATE, "length": length}
    row |= {f"{name}_ms": round(1e3 * value, 2) for name, value in seconds.items()}
    for name in ("exp_to_new_memory", "exp_in_place"):
        row[f"in_passes_of_{name}"] = round(seconds["forward_and_backward"] / seconds[name], 2)
    for name in others:
        if length <= LONGEST_LAYER[name]:
            taken = once(partial(scan, name, True))
            row[f"{name}_ms"] = round(1e3 * taken, 1)
            row[f"faster_than_{name}"] = round(taken / seconds["forward_and_backward"], 1)
    return row


def measure_step(others: list[str], width: int, length: int, batch: int, layers: int = 2) -> dict[str, Any]:
    """Seconds of a training step on each implementation, and how many times ours goes into it."""
    steps = {name: training_step(name, width, length, batch, layers) for name in ["ours", *others]}
    quick = {name: steps[name] for name in steps if name in ("ours", "mambapy")}
    quick["matrix_products"] = matrix_products(width, length * batch, layers)
    seconds = interleaved(quick, rounds=2 if "mambapy" in quick else 5)
    for name in ("loop", "reference"):
        if name in steps and (name == "reference" or length <= LONGEST_LOOP or batch == TARGET["batch"]):
            seconds[name] = once(steps[name])
    row: dict[str, Any] = {"what": "step", "layers": layers, "width": width, "length": length, "batch": batch}
    row |= {f"{name}_s": round(value, 3) for name, value in seconds.items()}
    return row | {
        f"faster_than_{name}": round(seconds[name] / seconds["ours"], 1)
        for name in steps
        if name in seconds
        if name != "ours"
    }


def measure_memory(implementation: str) -> int:
    """Megabytes that a step adds to the peak of a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(_added_megabytes, (implementation,))


def training_step(implementation: str, width: int, length: int, batch: int, layers: int = 2) -> Callable[[], None]:
    """Forward, loss and backward of a model of this shape, with the implementation beneath it."""
    torch.manual_seed(0)
    config = MambaConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        num_hidden_layers=layers,
        state_size=STATE,
        use_mambapy=implementation == "mambapy",
        pad_token_id=0,
    )
    model = MambaForCausalLM(config).train()
    tokens = torch.randint(0, VOCABULARY, (batch, length))

    def step() -> None:
        put_beneath(implementation)
        model.zero_grad()
        logits = model(tokens, logits_to_keep=1).logits
        torch.nn.functional.cross_entropy(logits[:, 0], tokens[:, 0]).backward()

    return step


def matrix_products(width: int, rows: int, layers: int) -> Callable[[], None]:
    """The matrix products of a step and nothing else: three for each projection."""
    inner, rank = 2 * width, -(-width // 16)
    projections = [(width, 2 * inner), (inner, rank + 2 * STATE), (rank, inner), (inner, width)]
    tensors = [(torch.randn(rows, i), torch.randn(o, i), torch.randn(rows, o)) for i, o in projections]

    def products() -> None:
        for _ in range(layers):
            for x, weight, d_y in tensors:
                x @ weight.T, d_y @ weight, d_y.T @ x

    return products


def put_beneath(implementation: str) -> None:
    """Gives the Mamba of transformers our functions, or its own."""
    mount()
    if implementation == "ours":
        return
    for place, name, function in THEIRS:
        setattr(place, name, function)
    if implementation == "reference":
        modeling_mamba.mamba_selective_scan = SCANS["reference"]


def interleaved(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, measured in turns after one that does not count, so that all see the same machine."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(rounds + 1):
        for name, action in actions.items():
            started = clock()
            action()
            if turn:
                seconds[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def once(action: Callable[[], object]) -> float:
    """Seconds of it, measured once."""
    started = clock()
    action()
    return clock() - started


def _added_megabytes(implementation: str) -> int:
    training_step(implementation, width=TARGET["width"], length=4, batch=1)()  # compiled, threads started
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    # The peak so far may lie above what is in use now, so the peak is taken from samples while the step runs.
    peak = before
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())

    watcher = threading.Thread(target=watch)
    watcher.start()
    training_step(implementation, **TARGET)()
    done.set()
    watcher.join()
    return (peak - before) // 2**20


if __name__ == "__main__":
    main()
