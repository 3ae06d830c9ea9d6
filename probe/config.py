"""What one run of the probe is: a task, a model, how it is trained, and when it counts as solved.

The defaults are the paper's (section 5.3.2 and appendix C.4): 1M training and 100k held-out examples, 95 %.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from backbones.pairs import PRETRAINED, SCRATCH, NewRows, name_of, shape_of
from probe.intervals import Z_95
from probe.task import RetrievalTask
from training.config import Optimisation, conform, require

FEWEST_PER_POSITION = 20
"""Held-out examples of an evaluation that ask for one position."""

Supervision = Literal["answer", "from-target"]
"""Where the answer is asked for while training. answer: at the last position alone, as in the paper. from-target: in
the prefix order, at every context position from the target on, where it can be known already."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """The model of a run, and the two seeds that are its own (the third, of the data, is the task's)."""

    name: str
    """A pair and family (`tiny/mamba`, `1.4b/pythia`), a hub name or a folder."""
    weight_seed: int = 0
    """Of the weights of a model made from scratch."""
    init_seed: int = 0
    """Of the rows of the special tokens: the paper's three initialisations are three of these."""
    new_rows: NewRows = "matched"

    def __post_init__(self) -> None:
        conform(self)
        pair, _, family = self.name.partition("/")
        if pair in (*SCRATCH, *PRETRAINED):
            name_of(pair, family)

    @property
    def is_pretrained(self) -> bool:
        return shape_of(self.name) is None


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """One run of the probe.

    Raises:
        ConfigError, backbones.ModelError: a value is impossible, here or in a part.
    """

    task: RetrievalTask
    model: Model
    optimisation: Optimisation = field(default_factory=Optimisation)
    train_examples: int = 1_000_000
    """Training examples that exist: the run goes through them in order, and begins again at the end."""
    held_out_examples: int = 100_000
    """Held-out examples that exist: the first of the split, always the same."""
    half_width: float = 0.01
    """Half of the 95 % interval of the overall accuracy, at the threshold, that an evaluation's number of held-out
    examples is chosen for. More are asked near the threshold, and all before it counts as reached: see
    `probe.evaluate.evaluate_near`. 0 asks all of them at every evaluation, as the paper does."""
    validation_examples: int = 2_000
    """Examples of every evaluation that a learning rate may be chosen by, which no figure reports; 0 for none."""
    threshold: float = 0.95
    """Held-out accuracy at which the task counts as learned."""
    stop_at_threshold: bool = True
    supervision: Supervision = "answer"
    score_end: bool = False
    """Whether the loss also asks for an end token (id 0) after the answer, as the paper's code does."""

    def __post_init__(self) -> None:
        conform(self)
        require(0 < self.threshold <= 1, f"the threshold is an accuracy above 0 and up to 1, not {self.threshold}.")
        require(
            self.held_out_examples >= self.task.length,
            f"{self.held_out_examples} held-out examples do not ask for each of {self.task.length} positions: "
            f"take at least {self.task.length}.",
        )
        require(0 <= self.half_width < 1, f"half_width is a share from 0 to below 1, not {self.half_width}.")
        require(self.validation_examples >= 0, f"validation_examples must not be negative: {self.validation_examples}.")
        require(
            self.train_examples >= self.optimisation.batch,
            f"{self.train_examples} training examples do not fill a batch of {self.optimisation.batch}.",
        )
        require(
            self.supervision == "answer" or self.task.order == "prefix",
            "supervision from-target needs the query before the context: choose the prefix order.",
        )
        require(
            self.task.base_vocabulary is None,
            "the rows of the vocabulary are the model's to say: leave the task's base_vocabulary out.",
        )

    @property
    def evaluation_examples(self) -> int:
        """Held-out examples that an evaluation asks at least: each position equally often, and 20 times or more."""
        if not self.half_width:
            return self.held_out_examples
        wanted = Z_95**2 * self.threshold * (1 - self.threshold) / self.half_width**2
        per_position = max(FEWEST_PER_POSITION, math.ceil(wanted / self.task.length))
        size = per_position * self.task.length
        return size if 2 * size <= self.held_out_examples else self.held_out_examples
