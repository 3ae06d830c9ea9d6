"""Training steps a second of both families of the pairs made here, and the share of a step that the generator takes.

    python -m benchmarks.steps                writes benchmarks/results/steps.json

A step is what the loop does: examples, forward, backward, clipping, AdamW; batch 64, float32. Target for the generator:
at most 2 % of a step.
"""

import torch

from backbones.pairs import FAMILIES, SCRATCH, name_of
from benchmarks.timing import DEVICE, seconds_of, write_results
from probe.config import Model, ProbeConfig
from probe.task import RetrievalTask
from probe.trainer import Retrieval, prepare
from training.config import Optimisation

LENGTHS = (50, 100, 200)
BATCH = 64


def measure(pair: str, family: str, length: int) -> dict[str, object]:
    """Times whole steps, and the generator alone, of one model at one length."""
    config = ProbeConfig(
        task=RetrievalTask(length, "suffix"),
        model=Model(name=name_of(pair, family)),
        optimisation=Optimisation(batch=BATCH),
    )
    model, task = prepare(config)
    model.to(DEVICE)  # type: ignore[arg-type]  # transformers annotates it for one of its own decorators
    model.train()
    objective = Retrieval(config, task)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def step() -> None:
        objective.loss(model, 0, BATCH).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    whole = seconds_of(step, repeats=5)
    indices = torch.arange(BATCH, device=DEVICE)
    generator = seconds_of(lambda: task.examples("train", indices, DEVICE), repeats=5)
    return {
        "pair": pair,
        "family": family,
        "length": length,
        "milliseconds": round(1e3 * whole, 2),
        "steps_per_second": round(1 / whole, 2),
        "generator_share": round(generator / whole, 4),
    }


def main() -> None:
    rows = []
    for pair in SCRATCH:
        for length in LENGTHS:
            for family in FAMILIES:
                rows.append(measure(pair, family, length))
                print(rows[-1], flush=True)
    write_results("steps", "python -m benchmarks.steps", rows)


if __name__ == "__main__":
    main()
