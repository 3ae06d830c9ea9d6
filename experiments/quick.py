"""The paper's question in minutes on a laptop: the tiny pair from scratch, length 16, both orders.

Claim       Not the paper's (its models are pretrained): what two small models of one size do that start from nothing.
Command     make demo, which is
            probe sweep experiments/quick.py --out runs/quick --workers 2
            probe plot runs/quick --out figures/quick
Expected    EXPECTED
Cost        COST
"""

from collections.abc import Iterator

from backbones.pairs import FAMILIES, name_of
from probe.config import Model, ProbeConfig, Supervision
from probe.task import Order, RetrievalTask
from training.config import Optimisation

LENGTH = 16
STEPS = 6_000
QUESTIONS: list[tuple[Order, Supervision, int]] = [
    # order, where the answer is asked for, seeds
    ("suffix", "answer", 3),
    ("prefix", "answer", 1),
    ("prefix", "from-target", 1),
]


def runs() -> Iterator[ProbeConfig]:
    for order, supervision, seeds in QUESTIONS:
        for seed in range(seeds):
            for family in FAMILIES:
                yield ProbeConfig(
                    task=RetrievalTask(LENGTH, order, seed=seed),
                    model=Model(name=name_of("tiny", family), weight_seed=seed, init_seed=seed),
                    optimisation=Optimisation(
                        steps=STEPS, learning_rate=1e-3, schedule="constant", evaluations=STEPS // 100
                    ),
                    held_out_examples=100 * LENGTH,
                    supervision=supervision,
                )
