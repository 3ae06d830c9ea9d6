"""What the learning rate changes: the tiny pair from scratch, both orders of length 8, three rates, three seeds.

Claim       The paper trains each model with three rates and reports what the runs of all of them do. How much that
            hides is a matter of the rate: it is drawn here, and each family's own rate is chosen on validation.
Command     probe sweep experiments/learning_rates.py --out runs/learning_rates --workers 2
            probe plot runs/learning_rates --out figures/learning_rates
Expected    Steps to 95 %, of 3,000 at most:
                               3e-4                    1e-3                    3e-3
            suffix  pythia     800 to 900              500                     500 to 1,100
                    mamba      1,100 to 1,600          700 to 1,100            500 to 900
            prefix  pythia     700 to 1,000            500 to 600              600, 800, one never
                    mamba      1,500, 2,300, one never 800 to 2,600            2,200, two never
            Chosen: 1e-3, and 3e-3 for mamba with the query last. figures/learning_rates was drawn from these runs.
Cost        36 runs of at most 3,000 steps: ten minutes on two cores.
"""

from collections.abc import Iterator

from backbones.pairs import FAMILIES
from probe.config import ProbeConfig
from probe.protocol import laptop_run
from probe.task import Order

ORDERS: tuple[Order, ...] = ("suffix", "prefix")
RATES = (3e-4, 1e-3, 3e-3)


def runs() -> Iterator[ProbeConfig]:
    for order in ORDERS:
        for rate in RATES:
            for seed in range(3):
                for family in FAMILIES:
                    yield laptop_run(
                        "tiny", family, order, 8, seed, steps=3_000, learning_rate=rate, validation_examples=2_000
                    )
