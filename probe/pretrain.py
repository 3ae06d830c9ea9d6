"""Next-token training of a model made here, before it meets the probe: a small counterpart of the paper's pretraining.

Both families of a pair see the same sequences in the same order. What is judged is the share of predictable tokens that
are predicted, token by token of the sequence: `asked[t]` and `correct[t]` of a curve line belong to token t + 1.
"""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import functional as F

from backbones.models import ledger, load
from backbones.pairs import shape_of
from backbones.scan import scan_path
from probe.evaluate import accuracy_of, last_logits
from probe.language import Language
from probe.task import FREE_IDS
from probe.text import Text
from training.config import Optimisation, conform, require
from training.parts import batches
from training.run import Record, Run
from training.runner import Prepared, RunOptions, carry_out

BYTES = 258
"""Rows for the two free ids and every byte: room for the answers of contexts of up to 256 tokens."""

EVALUATION_BATCH = 256

HASHED = 2**16
"""Sequences, from the first on, that stand for all of them."""


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """One pretraining run.

    Raises:
        ConfigError: a value is impossible.
    """

    name: str
    """A pair and family that is made here: `tiny/mamba`."""
    corpus: Language | Text = dataclasses.field(default_factory=Language)
    optimisation: Optimisation = dataclasses.field(
        default_factory=lambda: Optimisation(steps=3_000, evaluations=30, schedule="constant")
    )
    vocabulary: int = BYTES
    weight_seed: int = 0
    held_out_sequences: int = 1_024

    def __post_init__(self) -> None:
        conform(self)
        require(shape_of(self.name) is not None, f"{self.name} is not made here: name a pair such as tiny/mamba.")
        require(
            self.vocabulary >= self.corpus.vocabulary,
            f"a vocabulary of {self.vocabulary} has room for {self.vocabulary - FREE_IDS} tokens of a corpus, "
            f"and not for {self.corpus.vocabulary - FREE_IDS}: take a smaller alphabet.",
        )
        require(self.held_out_sequences >= 1, "at least 1 held-out sequence is needed.")


@dataclass(frozen=True)
class NextToken:
    """The objective: cross entropy of every next token, predictable or not, as in language modelling."""

    config: PretrainConfig

    def loss(self, model: torch.nn.Module, first: int, count: int) -> Tensor:
        """Mean over the tokens of training sequences `first` to `first + count - 1`."""
        device = next(model.parameters()).device
        indices = torch.arange(first, first + count, device=device)
        tokens, _ = self.config.corpus.sequences("train", indices, device)
        logits = last_logits(model, tokens[:, :-1], tokens.shape[1] - 1)
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    def counted(self, first: int, count: int) -> int:
        return count

    def evaluate(self, model: torch.nn.Module, accelerator: Accelerator, before: Record) -> Record:
        length, total = self.config.corpus.length, self.config.held_out_sequences
        asked = torch.zeros(length - 1, dtype=torch.int64, device=accelerator.device)
        correct, loss = torch.zeros_like(asked), torch.zeros((), device=accelerator.device)
        for indices in batches(range(total), EVALUATION_BATCH, accelerator):
            tokens, predictable = self.config.corpus.sequences("held-out", indices, indices.device)
            logits = last_logits(model, tokens[:, :-1], length - 1)
            hits = (logits.argmax(dim=-1) == tokens[:, 1:]) & predictable[:, 1:]
            asked += predictable[:, 1:].sum(dim=0)
            correct += hits.sum(dim=0)
            loss += F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="sum")
        asked, correct, loss = (accelerator.reduce(sum_, "sum") for sum_ in (asked, correct, loss))
        mean = loss.item() / (total * (length - 1))
        return {"held_out_loss": mean, "correct": correct.tolist(), "asked": asked.tolist()}

    def accuracy(self, record: Record) -> float:
        return accuracy_of(record)

    def is_learned(self, record: Record) -> bool:
        return False  # both families of a pair get the same budget

    @property
    def stops_when_learned(self) -> bool:
        return False


def run_pretrain(config: PretrainConfig, out: Path, **options: Unpack[RunOptions]) -> Run:
    """Runs a config below `out`: see `training.runner.carry_out`."""

    def prepared(device: torch.device) -> Prepared:
        config.corpus.sequences("held-out", torch.arange(1))  # text that cannot be read is refused here
        model = load(config.name, vocabulary=config.vocabulary, seed=config.weight_seed)
        return Prepared(model, NextToken(config), {"scan": scan_path(device), "model": ledger(model)})

    return carry_out(config, out, describe(config), "probe", prepared, config.weight_seed, **options)


def sequences_digest(config: PretrainConfig) -> str:
    """SHA-256 of the first HASHED training sequences that a run reads, as int64: equal for both models of a pair."""
    total = min(HASHED, config.optimisation.steps * config.optimisation.batch)
    digest = hashlib.sha256()
    for first in range(0, total, EVALUATION_BATCH):
        tokens, _ = config.corpus.sequences("train", torch.arange(first, min(first + EVALUATION_BATCH, total)))
        digest.update(tokens.numpy().astype("<i8").tobytes())
    return digest.hexdigest()


def describe(config: PretrainConfig) -> str:
    """A run in a few words: `tiny/mamba pretraining`."""
    return f"{config.name} pretraining"
