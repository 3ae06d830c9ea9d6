"""The paper's question in minutes on a laptop: the tiny pair from scratch, length 16, both orders.

Claim       Not the paper's (its models are pretrained): what two small models of one size do that start from nothing.
Command     make demo, which is
            probe sweep experiments/quick.py --out runs/quick --workers 2
            probe plot runs/quick --out figures/quick
Expected    Steps to 95 %, of 6,000 at most; a seed each (two cores, torch 2.14.1; other versions move single runs by
            a thousand steps or two).
                suffix                    pythia 1,300, 2,400, 3,500    mamba 2,000, 2,400, 4,300
                prefix                    pythia 1,900                  mamba not by 6,000 (6.5 %, chance is 6.2 %)
                prefix, from the target   pythia 1,100                  mamba 1,900
            Mamba learns the last positions first and positions 1 to 4 last; Pythia learns all of them together.
Cost        10 minutes on two cores.
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
