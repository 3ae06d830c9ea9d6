"""What pretraining changes: the tiny pair from scratch and pretrained, both orders, four lengths, five seeds.

Claim       The paper starts from pretrained models, and its findings depend on it: Pythia learns the suffix order first
            and all positions alike, Mamba learns the end first and the prefix order faster than the suffix order.
Command     probe sweep experiments/pretraining_matters.py --out runs/pretraining_matters --workers 2
            probe plot runs/pretraining_matters --out figures/pretraining
Expected    Length 16, pretrained, steps to 95 % (the other runs have not been made yet):
                suffix    pythia 600, 800, 900, 900, 1,000          mamba 2,900, 2,900, 3,300, 3,300, 3,900
                prefix    pythia 2,700, 3,100, three not by 6,000   mamba 1,200, 1,300, 1,300, 1,500, 1,700
            figures/pretraining was drawn from these twenty runs.
Cost        160 runs of at most 6,000 steps: some hours on two cores, and it goes on where it stopped.
"""

from collections.abc import Iterator

from backbones.pairs import FAMILIES, name_of
from probe.config import Model, ProbeConfig
from probe.task import Order, RetrievalTask
from training.config import Optimisation

LENGTHS = (16, 8, 24, 32)  # the length that the demo shows comes first
ORDERS: tuple[Order, ...] = ("suffix", "prefix")
PAIRS = ("tiny-pretrained", "tiny")
SEEDS = range(5)
STEPS = 6_000


def runs() -> Iterator[ProbeConfig]:
    for length in LENGTHS:
        for pair in PAIRS:
            for order in ORDERS:
                for seed in SEEDS:
                    for family in FAMILIES:
                        yield ProbeConfig(
                            task=RetrievalTask(length, order, seed=seed),
                            model=Model(name=name_of(pair, family), weight_seed=seed, init_seed=seed),
                            optimisation=Optimisation(
                                steps=STEPS, learning_rate=1e-3, schedule="constant", evaluations=STEPS // 100
                            ),
                            held_out_examples=100 * length,
                        )
