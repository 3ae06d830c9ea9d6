"""What one run of the probe is: a task, a model, how it is trained, and when it counts as solved.

The defaults are the paper's (section 5.3.2 and appendix C.4): 1M training and 100k held-out examples, 95 %.
"""

from dataclasses import dataclass, field
from typing import Literal

from backbones.pairs import PRETRAINED, SCRATCH, NewRows, name_of, shape_of
from probe.task import RetrievalTask
from training.config import Optimisation, conform, require

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
    """Examples of every evaluation: the first of the held-out split, always the same."""
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
