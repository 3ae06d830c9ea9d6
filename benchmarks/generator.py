"""How many examples the generator makes in a second, by length and batch.

    python benchmarks/generator.py            writes benchmarks/results/generator.json

The generator runs on the device that uses the examples: the CPU's figures are for training on a CPU.
"""

import torch
from timing import DEVICE, seconds_of, write_results

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
            seconds = seconds_of(lambda task=task, indices=indices: task.examples("train", indices, DEVICE))
            rows.append(
                {
                    "length": length,
                    "batch": batch,
                    "milliseconds": round(1e3 * seconds, 3),
                    "examples_per_second": round(batch / seconds),
                }
            )
            print(rows[-1], flush=True)
    write_results("generator", "python benchmarks/generator.py", rows)


if __name__ == "__main__":
    main()
