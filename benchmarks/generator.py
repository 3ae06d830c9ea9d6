"""How many examples the generator makes in a second, by length and batch.

    python -m benchmarks.generator            writes benchmarks/results/generator.json

The generator runs on the device that uses the examples: the CPU's figures are for training on a CPU.
"""

from functools import partial

import torch

from benchmarks.timing import DEVICE, seconds_of, write_results
from probe.task import RetrievalTask

LENGTHS = (16, 50, 100, 200, 1_000, 10_000)
BATCHES = (64, 1_024)


def main() -> None:
    rows = []
    for length in LENGTHS:
        task = RetrievalTask(length, "suffix")
        for batch in BATCHES:
            if length * batch > 2**21:
                continue
            indices = torch.arange(batch, device=DEVICE)
            seconds = seconds_of(partial(task.examples, "train", indices, DEVICE))
            rows.append(
                {
                    "length": length,
                    "batch": batch,
                    "milliseconds": round(1e3 * seconds, 3),
                    "examples_per_second": round(batch / seconds),
                }
            )
            print(rows[-1], flush=True)
    write_results("generator", "python -m benchmarks.generator", rows)


if __name__ == "__main__":
    main()
