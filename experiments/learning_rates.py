"""What the learning rate changes: the tiny pair from scratch, both orders of length 8, three rates, three seeds.

Claim       The paper trains each model with three rates and reports what the runs of all of them do. How much that
            hides is a matter of the rate: it is drawn here, and each family's own rate is chosen on validation.
Command     probe sweep experiments/learning_rates.py --out runs/learning_rates --workers 2
            probe plot runs/learning_rates --out figures/learning_rates
Expected    EXPECTED
Cost        36 runs of at most 3,000 steps: COST on two cores.
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
