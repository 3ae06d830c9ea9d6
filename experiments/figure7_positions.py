"""Figure 7: accuracy for each target position over training at length 200, query after the context.

Claim       Pythia learns all positions alike; Mamba learns the end first, then the beginning, the middle last.
Command     probe sweep experiments/figure7_positions.py --out runs/paper
            probe plot runs/paper --out figures/paper            (positions_suffix_200.png)
            The runs are among those of Figure 6: in the same folder they are made once.
Expected    the paper's, as above; this repository has not run it yet. Spread: 9 runs a family, pooled.
Cost        18 runs of at most 78,125 steps.
"""

from collections.abc import Iterator

from probe.config import ProbeConfig
from probe.protocol import paper_runs


def runs() -> Iterator[ProbeConfig]:
    yield from paper_runs(orders=["suffix"], lengths=[200])
