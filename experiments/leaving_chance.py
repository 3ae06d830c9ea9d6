"""What it takes to leave chance in the prefix order at length 16: one thing at a time, from one ground, a seed each.

Claim       From scratch, what Mamba is short of is a signal: asked from the target on it learns in 1,900 steps, while
            other rates and a larger model leave it at chance, and a larger batch helps late. Pretrained it needs no
            help: it is ahead of Pythia at every rate and batch at which either learns.
Command     probe sweep experiments/leaving_chance.py --out runs/leaving_chance --workers 2
            probe status runs/leaving_chance
Expected    Steps to 95 %, or the accuracy after all of them; a guess is 6.2 %.
                                                         pythia            mamba
                tiny                                     1,900             6.5 %
                tiny, asked from the target on           1,100             1,900
                tiny, rate 3e-4                          3,900             6.5 %
                tiny, rate 3e-3                          11.5 %            6.2 %
                tiny, batch 256                          1,100             77.6 %, still rising
                small (1,500 steps)                      700               5.9 %
                tiny-pretrained                          3,100             1,200
                tiny-pretrained, rate 3e-4               5,700             2,100
                tiny-pretrained, rate 3e-3               21.8 %            5.9 %
                tiny-pretrained, batch 256               1,200             700
            A third of the pretraining is enough for Mamba (`probe pretrain --steps 1000 --learning-rate 2e-3
            --evaluations 10`, which predicts 99.4 % and 62.2 %): pythia 26.0 %, mamba 700.
Cost        An hour on two cores.
"""

from collections.abc import Iterator

from backbones.pairs import FAMILIES
from probe.config import ProbeConfig, Supervision
from probe.protocol import laptop_run

LENGTH = 16
STEPS = {"tiny": 6_000, "tiny-pretrained": 6_000, "small": 1_500}
"""small is twice as deep, four times as wide and thirty times as slow: it has twice what Pythia needs of it."""

TRIED: list[tuple[str, float, int, Supervision]] = [
    # pair, learning rate, batch, where the answer is asked for
    ("tiny", 1e-3, 64, "answer"),
    ("tiny", 1e-3, 64, "from-target"),
    ("tiny-pretrained", 1e-3, 64, "answer"),
    ("tiny", 3e-4, 64, "answer"),
    ("tiny", 3e-3, 64, "answer"),
    ("tiny-pretrained", 3e-4, 64, "answer"),
    ("tiny-pretrained", 3e-3, 64, "answer"),
    ("tiny", 1e-3, 256, "answer"),
    ("tiny-pretrained", 1e-3, 256, "answer"),
    ("small", 1e-3, 64, "answer"),
]


def runs() -> Iterator[ProbeConfig]:
    for pair, learning_rate, batch, supervision in TRIED:
        for family in FAMILIES:
            yield laptop_run(
                pair,
                family,
                "prefix",
                LENGTH,
                steps=STEPS[pair],
                learning_rate=learning_rate,
                batch=batch,
                supervision=supervision,
            )
