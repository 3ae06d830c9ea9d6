"""What it takes to leave chance in the prefix order at length 16: one thing at a time, from a common ground.

Claim       Mamba from scratch is not short of steps, rate, batch, depth or width: it is short of a signal. Asked from
            the target on it learns, and so it does from pretrained weights, which have what else it would have to find.
Command     probe sweep experiments/leaving_chance.py --out runs/leaving_chance --workers 2
            probe plot runs/leaving_chance --out figures/leaving_chance
Expected    EXPECTED
Cost        COST
"""

from collections.abc import Iterator

from backbones.pairs import FAMILIES, name_of
from probe.config import Model, ProbeConfig, Supervision
from probe.task import RetrievalTask
from training.config import Optimisation

LENGTH = 16
STEPS = 6_000
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
    ("small", 1e-3, 64, "answer"),  # twice as deep, four times as wide
]


def runs() -> Iterator[ProbeConfig]:
    for pair, learning_rate, batch, supervision in TRIED:
        for family in FAMILIES:
            yield ProbeConfig(
                task=RetrievalTask(LENGTH, "prefix"),
                model=Model(name=name_of(pair, family)),
                optimisation=Optimisation(
                    steps=STEPS,
                    learning_rate=learning_rate,
                    batch=batch,
                    schedule="constant",
                    evaluations=STEPS // 100,
                ),
                held_out_examples=100 * LENGTH,
                supervision=supervision,
            )
