"""Figure 12: accuracy for each target position over training with the query before the context.

Claim       With the query first Mamba learns length 200 within the first half of training, where with the query last it
            does not learn it at all; Pythia still needs about 10 %.
Command     probe sweep experiments/figure12_prefix.py --out runs/paper
            probe plot runs/paper --out figures/paper            (positions_prefix_*.png, orders_*.png)
Expected    the paper's, as above; this repository has not run it yet. From scratch the picture is another:
            see experiments/quick.py. Spread: 9 runs for each length and family.
Cost        54 runs of at most 78,125 steps.
"""

from collections.abc import Iterator

from probe.config import ProbeConfig
from probe.protocol import paper_runs


def runs() -> Iterator[ProbeConfig]:
    yield from paper_runs(orders=["prefix"])
