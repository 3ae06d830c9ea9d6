"""The pair `tiny-pretrained`: both models of `tiny` after the same nine million tokens of repeated segments.

Claim       The paper's models are pretrained. What pretraining has to give for its findings to appear is the skill to
            find in the context what stood there before; here is the simplest language that teaches it.
Command     probe sweep experiments/pretrain_tiny.py --out runs/pretrain_tiny --workers 2
            probe export runs/pretrain_tiny/RUN --out models/FAMILY (which is backbones/weights/tiny-pretrained/FAMILY)
Expected    Predicted of what can be predicted, at the end: pythia 99.7 %, mamba 88.7 %. With cosine decay instead of a
            constant rate mamba ends at 72.6 %.
Cost        5 minutes on two cores.
"""

from collections.abc import Iterator

from backbones.pairs import FAMILIES, name_of
from probe.pretrain import PretrainConfig
from training.config import Optimisation


def runs() -> Iterator[PretrainConfig]:
    for family in FAMILIES:
        yield PretrainConfig(
            name=name_of("tiny", family),
            optimisation=Optimisation(steps=3_000, learning_rate=2e-3, schedule="constant", evaluations=30),
        )
