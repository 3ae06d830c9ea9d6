"""What pretraining changes: the tiny pair from scratch and pretrained, both orders, four lengths, five seeds.

Claim       The paper starts from pretrained models, and its findings depend on it: pretraining widens the lead that
            Pythia has in the suffix order, and gives Mamba the lead in the prefix order, which Pythia has from scratch.
Command     probe sweep experiments/pretraining_matters.py --out runs/pretraining_matters --workers 2
            probe plot runs/pretraining_matters --out figures/pretraining
Expected    Steps to 95 %, of 6,000 at most (what is not named has not been run yet):
             8  scratch     suffix  pythia 400, 500, 500, 500, 600         mamba 700, 900, 900, 900, 900
                            prefix  pythia 500, 500, 600, 600, 600         mamba 700, 900, 1,800, 2,100, 2,600
                pretrained  suffix  pythia 300, 400, 400, 400, 500         mamba 500, 600, 700, 700, 700
                            prefix  pythia 800, 800, 1,000, 1,600, 1,700   mamba 300, 400, 400, 400, 400
            16  scratch     suffix  pythia 1,300 to 3,500                  mamba 2,000 to 4,300
                            prefix  pythia 1,900, 2,400, 4,000, two never  mamba 4,300, four never
                pretrained  suffix  pythia 600 to 1,000                    mamba 2,900 to 3,900
                            prefix  pythia 2,700, 3,100, three never       mamba 1,200 to 1,700
            24  pretrained  suffix  pythia 1,100 to 3,400                  mamba 4,700, four never
            figures/pretraining was drawn from these ninety runs.
Cost        An hour on two cores for lengths 8 and 16; all 160 runs take some hours, and go on where they stopped.
"""

from collections.abc import Iterator

from backbones.pairs import FAMILIES
from probe.config import ProbeConfig
from probe.protocol import laptop_run
from probe.task import Order

LENGTHS = (16, 8, 24, 32)  # the length that the demo shows comes first
ORDERS: tuple[Order, ...] = ("suffix", "prefix")
PAIRS = ("tiny-pretrained", "tiny")
SEEDS = range(5)


def runs() -> Iterator[ProbeConfig]:
    for length in LENGTHS:
        for pair in PAIRS:
            for order in ORDERS:
                for seed in SEEDS:
                    for family in FAMILIES:
                        yield laptop_run(pair, family, order, length, seed)
