"""One run of the probe, from its config to the end of its curve."""

import dataclasses
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Unpack

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from backbones.embeddings import enlarge
from backbones.models import check, ledger, load
from backbones.pairs import ModelError, source_of
from backbones.scan import scan_path
from probe.config import ProbeConfig, Supervision
from probe.evaluate import Evaluation, accuracy_of, evaluate, evaluate_near, last_logits
from probe.task import Examples, RetrievalTask, Split
from training.config import require
from training.run import Record, Run
from training.runner import Prepared, RunOptions, carry_out, quieten_transformers

EVALUATION_TOKENS = 2**15
"""Tokens that an evaluation reads at once."""

UNSCORED = -100
"""In targets: no loss here. The number that `torch.nn.functional.cross_entropy` passes over."""

END_TOKEN = 0
"""Scored after the answer if `score_end` is set. End of text in the vocabularies of both families."""


@dataclasses.dataclass(frozen=True)
class Retrieval:
    """The probe's objective, as `training.loop` wants it: cross entropy of what `with_targets` asks for, and of nothing
    else. Each example counts alike, however many of its tokens are asked for, so that the loss does not depend on how
    a batch is divided."""

    config: ProbeConfig
    task: RetrievalTask
    """The config's task, with the vocabulary of the model it is asked of."""

    @property
    def evaluation_batch(self) -> int:
        """Examples that an evaluation takes at once; it changes nothing but speed and memory."""
        return max(1, min(1024, EVALUATION_TOKENS // max(self.task.length + 2, self.task.pool_size)))

    def loss(self, model: torch.nn.Module, first: int, count: int) -> Tensor:
        """Mean over examples `first` to `first + count - 1`, which begin again after the last training example."""
        device = next(model.parameters()).device
        indices = torch.arange(first, first + count, device=device) % self.config.train_examples
        tokens, targets = with_targets(
            self.task, self.task.examples("train", indices, device), self.config.supervision, self.config.score_end
        )
        logits = last_logits(model, tokens, targets.shape[1])
        losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
        return (losses.sum(dim=1) / (targets != UNSCORED).sum(dim=1)).mean()

    def counted(self, first: int, count: int) -> int:
        return count

    def evaluate(self, model: torch.nn.Module, accelerator: Accelerator, before: Record) -> Record:
        """A curve line's counts. `learned` says that all held-out examples have been asked, now or before, and that the
        share of the threshold was answered; until then no smaller number of them can say so."""

        def ask(split: Split, asked: range) -> Evaluation:
            return evaluate(model, self.task, asked, accelerator, self.evaluation_batch, split)

        config, was_learned = self.config, bool(before.get("learned"))
        held_out = evaluate_near(
            config.threshold,
            config.evaluation_examples,
            config.held_out_examples,
            partial(ask, "held-out"),
            decide=not was_learned,
        )
        record: Record = {
            "held_out_loss": held_out.loss_sum / held_out.total,
            "correct": held_out.correct,
            "asked": held_out.asked,
        }
        everything = held_out.total == config.held_out_examples
        record["learned"] = was_learned or (everything and accuracy_of(record) >= config.threshold)
        if config.validation_examples:
            validation = ask("validation", range(config.validation_examples))
            record["validation_correct"] = sum(validation.correct)
            record["validation_asked"] = validation.total
        return record

    def accuracy(self, record: Record) -> float:
        return accuracy_of(record)

    def is_learned(self, record: Record) -> bool:
        return bool(record["learned"])

    @property
    def stops_when_learned(self) -> bool:
        return self.config.stop_at_threshold


def with_targets(
    task: RetrievalTask, examples: Examples, supervision: Supervision, score_end: bool
) -> tuple[Tensor, Tensor]:
    """What the model reads (n x t), and what its last k positions have to say (n x k; UNSCORED where nothing is asked).

    With `score_end` the answer is read as well, and the end token is asked for behind it.
    """
    tokens, answers, positions = examples
    targets = answers[:, None]
    if supervision == "from-target":
        before = torch.arange(task.length, device=tokens.device) < positions[:, None]
        targets = targets.expand(-1, task.length).masked_fill(before, UNSCORED)
    if score_end:
        tokens = torch.cat([tokens, answers[:, None]], dim=1)
        targets = torch.cat([targets, torch.full_like(answers[:, None], END_TOKEN)], dim=1)
    return tokens, targets


def prepare(config: ProbeConfig) -> tuple[PreTrainedModel, RetrievalTask]:
    """The model of a config with its rows for the special tokens, and the task in the ids of its vocabulary.

    Raises:
        ConfigError, backbones.ModelError: see `check_model`.
    """
    task = config.task
    check_model(config)
    model = load(config.model.name, vocabulary=task.first_special, seed=config.model.weight_seed)
    rows = enlarge(model, task.added_tokens, config.model.init_seed, config.model.new_rows)
    return model, dataclasses.replace(task, base_vocabulary=rows)


def check_model(config: ProbeConfig) -> None:
    """Raises ConfigError or backbones.ModelError where the model of a config is missing, broken or too small for the
    task, as far as that can be seen without loading its weights."""
    described = check(config.model.name)
    if described is None:
        return
    of_text = described.get_text_config()
    if not hasattr(of_text, "vocab_size"):
        raise ModelError(f"{config.model.name} has no vocabulary: name a causal language model.")
    dataclasses.replace(config.task, base_vocabulary=of_text.vocab_size)
    longest = getattr(of_text, "max_position_embeddings", None)
    tokens = config.task.length + 2 + config.score_end
    require(
        longest is None or tokens <= longest,
        f"{config.model.name} reads at most {longest} tokens: choose a length of at most "
        f"{(longest or 0) - 2 - config.score_end}.",
    )


def check_models(configs: Iterable[ProbeConfig]) -> None:
    """`check_model` for each of the configs. Models in folders are loaded once as well: that a weight is missing or
    not a number is seen in no other way."""
    quieten_transformers()
    configs = list(configs)
    for config in {(config.model.name, config.task.length): config for config in configs}.values():
        check_model(config)
    for name in {config.model.name for config in configs}:
        if Path(source_of(name)).is_dir():
            load(name)


def run_probe(config: ProbeConfig, out: Path, **options: Unpack[RunOptions]) -> Run:
    """Runs a config below `out`: see `training.runner.carry_out`."""

    def prepared(device: torch.device) -> Prepared:
        model, task = prepare(config)
        return Prepared(model, Retrieval(config, task), {"scan": scan_path(device), "model": ledger(model)})

    return carry_out(config, out, describe(config), "probe", prepared, config.model.weight_seed, **options)


def describe(config: ProbeConfig) -> str:
    """A run in a few words: `tiny/mamba suffix 16`."""
    supervision = "" if config.supervision == "answer" else f" ({config.supervision})"
    return f"{config.model.name} {config.task.order} {config.task.length}{supervision}"
