"""Figure 6: training steps to 95 % at lengths 50, 100 and 200, query after the context.

Claim       Pythia learns every length within about 10 % of training; Mamba needs about twice as much as the length
            grows, and some runs never get there (length 200: none within the window).
Command     probe sweep experiments/figure6_sample_efficiency.py --out runs/paper
            probe plot runs/paper --out figures/paper            (sample_efficiency.png)
Expected    the paper's, as above; this repository has not run it yet. Spread: 9 runs for each length and family.
Cost        54 runs of at most 78,125 steps. `--dry-run` estimates it for the machine it is called on.
"""

from collections.abc import Iterator

from probe.config import ProbeConfig
from probe.protocol import paper_runs


def runs() -> Iterator[ProbeConfig]:
    yield from paper_runs(orders=["suffix"])
