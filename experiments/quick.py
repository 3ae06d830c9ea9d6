"""The paper's Figures 6, 7 and 12 in small, in minutes on a laptop: the pretrained tiny pair, and it from scratch.

Claim       From pretrained weights Pythia learns the suffix order first and all positions alike, Mamba later and from
            the end to the beginning; the prefix order helps Mamba and hurts Pythia. From scratch it hurts Mamba more.
Command     make demo, which is
            probe sweep experiments/quick.py --out runs/quick --workers 2
            probe plot runs/quick --out figures/quick
Expected    Steps to 95 %, of 6,000 at most; a seed each (two cores, torch 2.14.1; other versions move single runs).
                pretrained   suffix   pythia 1,000, 900, 600   mamba 3,900, 2,900, 3,300
                             prefix   pythia 3,100             mamba 1,200
                scratch      suffix   pythia 2,400             mamba 4,300
                             prefix   pythia 1,900             mamba not by 6,000 (6.5 %, chance is 6.2 %)
            `pretraining_matters.py` has the same with five seeds and at four lengths.
Cost        11 minutes on two cores, installation included.
"""

from collections.abc import Iterator

from backbones.pairs import FAMILIES
from probe.config import ProbeConfig
from probe.protocol import laptop_run
from probe.task import Order

LENGTH = 16
QUESTIONS: list[tuple[str, Order, int]] = [
    # pair, order, seeds: those that may take longest first, so that no worker is left with one at the end
    ("tiny", "prefix", 1),
    ("tiny", "suffix", 1),
    ("tiny-pretrained", "prefix", 1),
    ("tiny-pretrained", "suffix", 3),
]


def runs() -> Iterator[ProbeConfig]:
    for pair, order, seeds in QUESTIONS:
        for seed in range(seeds):
            for family in FAMILIES:
                yield laptop_run(pair, family, order, LENGTH, seed)
