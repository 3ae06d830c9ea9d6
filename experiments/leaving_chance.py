"""What it takes to leave chance in the prefix order at length 16: one thing at a time, from one ground, a seed each.

Claim       From scratch, what Mamba is short of is a signal: asked from the target on it learns at once.
Command     probe sweep experiments/leaving_chance.py --out runs/leaving_chance --workers 2
            probe status runs/leaving_chance
Expected    EXPECTED
Cost        COST
"""

from collections.abc import Iterator

from backbones.pairs import FAMILIES, name_of
from probe.config import Model, ProbeConfig, Supervision
from probe.task import RetrievalTask
from training.config import Optimisation

LENGTH = 16
STEPS = {"tiny": 6_000, "tiny-pretrained": 6_000, "small": 1_500}
"""small is twice as deep, four times as wide and thirty times as slow: it has three times what Pythia needs of it."""

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
            yield ProbeConfig(
                task=RetrievalTask(LENGTH, "prefix"),
                model=Model(name=name_of(pair, family)),
                optimisation=Optimisation(
                    steps=STEPS[pair],
                    learning_rate=learning_rate,
                    batch=batch,
                    schedule="constant",
                    evaluations=STEPS[pair] // 100,
                ),
                held_out_examples=100 * LENGTH,
                supervision=supervision,
            )
