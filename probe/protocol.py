"""The paper's protocol (section 5.3.2, appendix C.4) as configs, with what it leaves open decided once, here.

Fixed by the paper: pretrained weights of both families, lengths 50, 100 and 200, 1M training and 100k held-out
examples, batch 64, 78,125 steps, evaluation every 1 %, 95 %, three learning rates x three initialisations of the
special tokens' rows.

Open, and decided: the pool is exactly the context (a permutation); the rates are those below; AdamW, cosine decay after
3 % of warm-up, as in the paper's main runs (Table 8), without weight decay, betas 0.9 and 0.999, gradients clipped to a
norm of 1; bf16 autocast over fp32 weights; all parameters train; an initialisation is a seed of rows drawn at the mean
and scale of the old ones.

`laptop_run` is the protocol in small, for the pairs of this repository: the same task and the same threshold.
"""

from collections.abc import Iterable, Iterator

from backbones.pairs import FAMILIES, name_of
from probe.config import Model, ProbeConfig, Supervision
from probe.task import Order, RetrievalTask
from training.config import Optimisation

LENGTHS = (50, 100, 200)
INIT_SEEDS = (0, 1, 2)
LEARNING_RATES = (1e-5, 5e-5, 1e-4)
"""The paper does not print its three. 1e-5 and 5e-5 are the rates of the first author's later repository on the same
kind of task; 1e-4 is twice the larger, so that a family which wants faster steps is not judged at the edge of the grid.
Both families get the same three."""


def paper_runs(orders: Iterable[Order], lengths: Iterable[int] = LENGTHS, pair: str = "1.4b") -> Iterator[ProbeConfig]:
    """Every run of the paper's grid for these orders and lengths: 18 for each of them, 9 a family."""
    for order in orders:
        for length in lengths:
            for family in FAMILIES:
                for learning_rate in LEARNING_RATES:
                    for init_seed in INIT_SEEDS:
                        yield ProbeConfig(
                            task=RetrievalTask(length, order),
                            model=Model(name=name_of(pair, family), init_seed=init_seed),
                            optimisation=Optimisation(learning_rate=learning_rate, precision="bf16"),
                        )


def laptop_run(
    pair: str,
    family: str,
    order: Order,
    length: int,
    seed: int = 0,
    *,
    steps: int = 6_000,
    learning_rate: float = 1e-3,
    batch: int = 64,
    supervision: Supervision = "answer",
    validation_examples: int = 0,
) -> ProbeConfig:
    """A run of minutes: a constant rate, an evaluation every 100 steps, each asking for every position 100 times, and
    validation where a rate is to be chosen. The seed is that of the weights, of the new rows and of the data.
    Experiments that ask for the same run share it."""
    return ProbeConfig(
        task=RetrievalTask(length, order, seed=seed),
        model=Model(name=name_of(pair, family), weight_seed=seed, init_seed=seed),
        optimisation=Optimisation(
            steps=steps, learning_rate=learning_rate, batch=batch, schedule="constant", evaluations=steps // 100
        ),
        held_out_examples=100 * length,
        half_width=0.0,
        validation_examples=validation_examples,
        supervision=supervision,
    )
