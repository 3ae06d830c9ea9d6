"""The one training loop, on Accelerate: AdamW, warm-up and decay, clipping, evaluation, checkpoints, resume.

What is trained is an `Objective`; the loop knows examples by their number alone. Step s of a run takes examples
s * batch to (s + 1) * batch - 1, and each of n processes the n-th part of them in its order, so that one process and
several see the same examples in the same order.

A step of one process does not wait for the device: losses are summed there and read at evaluations. Between steps, the
progress bar reads the loss of this process about once a second. Several processes tell each other before a step how
many of its examples count, and every 20 steps whether to stop.
"""

import contextlib
import math
import sys
import time
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import Tensor
from tqdm import tqdm
from transformers import get_scheduler

from training import checkpoint
from training.config import ConfigError, Optimisation
from training.run import Record, Run, State, read_curve
from training.signals import stop_signals


class Objective(Protocol):
    """What a model is trained on, and how it is judged."""

    def loss(self, model: torch.nn.Module, first: int, count: int) -> Tensor:
        """Mean loss (a scalar on the model's device) over those of training examples `first` to `first + count - 1`
        that count; where none does, a zero that has gradients all the same, for processes meet in them."""

    def counted(self, first: int, count: int) -> int:
        """How many of these training examples count in the loss."""

    def evaluate(self, model: torch.nn.Module, accelerator: Accelerator, before: Record) -> Record:
        """What an evaluation adds to the curve, given the one before it (empty for the first). Every process calls it
        and gets the same."""

    def accuracy(self, record: Record) -> float:
        """The one number of an evaluation, for the progress bar and `status.json`."""

    def is_learned(self, record: Record) -> bool:
        """Whether the model can do by now what it is trained for."""

    @property
    def stops_when_learned(self) -> bool:
        """Whether training ends there, ahead of the planned steps."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM came; the run has been saved and goes on when it is started again."""


class Diverged(Exception):
    """The loss is no longer a number."""


def train(
    run: Run,
    model: torch.nn.Module,
    objective: Objective,
    optimisation: Optimisation,
    accelerator: Accelerator,
    *,
    checkpoint_minutes: float = 10.0,
    keep_weights: bool = True,
    label: str = "",
    row: int = 0,
) -> None:
    """Trains the model to the end of the run, from its checkpoint if it has one.

    Args:
        run: started already; the curve, the checkpoint and the final state are written to it.
        model: not yet prepared; prepared and trained in place. It has `config` and `save_pretrained`, as the models of
            transformers have.
        checkpoint_minutes: time between checkpoints.
        label: what the progress bar is called.
        row: of the terminal, for the progress bar of one of several runs.

    Raises:
        ConfigError: the batch cannot be divided among the processes. Nothing has been written then.
        Interrupted: the run was saved on a signal.
        Diverged: the loss became nan or infinite.
    """
    share = check_batch(optimisation, accelerator.num_processes)
    optimizer = torch.optim.AdamW(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=optimisation.learning_rate,
        betas=optimisation.betas,
        weight_decay=optimisation.weight_decay,
    )
    warmup = round(optimisation.warmup * optimisation.steps)
    names = {"cosine": "cosine", "constant": "constant_with_warmup"}
    schedule = get_scheduler(names[optimisation.schedule], optimizer, warmup, optimisation.steps)
    if accelerator.distributed_type == DistributedType.DEEPSPEED:
        # No data loader tells it how many examples it gets at once, and it clips by itself.
        accelerator.state.deepspeed_plugin.deepspeed_config.update(
            train_micro_batch_size_per_gpu=min(optimisation.micro_batch or share, share),
            gradient_clipping=optimisation.clip,
        )
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    # Not prepared: a prepared schedule takes a step for each process.
    accelerator.register_for_checkpointing(schedule)

    counters = checkpoint.load(run, accelerator)
    run.step = counters.step
    curve = read_curve(run.folder)
    record: Record = curve[-1] if curve else {}
    learned_at = next((line["step"] for line in curve if objective.is_learned(line)), None)
    evaluation_steps = set(optimisation.evaluation_steps())
    loss_sum = torch.tensor(counters.loss_sum, device=accelerator.device)
    started = time.monotonic() - counters.seconds
    saved = time.monotonic()

    def save() -> None:
        counters.seconds = time.monotonic() - started
        # The same in every process: each goes on from the mean.
        counters.loss_sum = accelerator.reduce(loss_sum.clone(), "mean").item()
        if not math.isfinite(counters.loss_sum):  # or both checkpoints would soon hold what cannot go on
            raise Diverged(f"the loss is not a number by step {counters.step}: lower the learning rate.")
        checkpoint.save(run, accelerator, accelerator.unwrap_model(wrapped), counters)

    def tell(state: State) -> None:
        if not accelerator.is_main_process:
            return
        known = {"accuracy": objective.accuracy(record), "learned_at": learned_at} if record else {}
        seconds = round(time.monotonic() - started, 3)
        run.set_state(state, step=counters.step, steps=optimisation.steps, seconds=seconds, **known)

    with stop_signals() as interrupted, _Progress(label, row, optimisation, counters.step, accelerator) as progress:
        wrapped.train()
        tell("running")
        while counters.step < optimisation.steps and not (learned_at and objective.stops_when_learned):
            loss = _step(wrapped, objective, optimisation, accelerator, counters.step, share)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            loss_sum += loss
            counters.step += 1
            counters.loss_steps += 1
            run.step = counters.step
            progress.advance(counters.step, loss)

            if counters.step in evaluation_steps:
                mean_loss = accelerator.reduce(loss_sum, "mean").item() / counters.loss_steps
                if not math.isfinite(mean_loss):
                    raise Diverged(f"the loss became {mean_loss} before step {counters.step}: lower the learning rate.")
                here = {"step": counters.step, "examples": counters.step * optimisation.batch, "loss": mean_loss}
                record = here | _judge(wrapped, objective, accelerator, record)
                record["seconds"] = round(time.monotonic() - started, 3)
                if learned_at is None and objective.is_learned(record):
                    learned_at = counters.step
                loss_sum.zero_()
                counters.loss_steps = 0
                progress.judged(objective.accuracy(record))
                accelerator.log({"loss": mean_loss, "accuracy": objective.accuracy(record)}, step=counters.step)
                if accelerator.is_main_process:
                    run.append(record)
                tell("running")

            if _any(interrupted.is_set(), accelerator, counters.step):
                save()
                tell("interrupted")
                raise Interrupted(f"saved at step {counters.step:,} of {optimisation.steps:,}")
            if _any(time.monotonic() - saved > checkpoint_minutes * 60, accelerator, counters.step):
                save()
                saved = time.monotonic()

        # In this order whatever happens in between leaves a run that goes on, or one that is finished and has its last
        # weights.
        if keep_weights:
            save()
            checkpoint.keep_weights(run, accelerator, wrapped)
        tell("finished")
        if accelerator.is_main_process:
            checkpoint.finish(run, keep_weights)
        accelerator.wait_for_everyone()  # nobody asks for the state of the run before it is written
        if _any(interrupted.is_set(), accelerator):
            raise Interrupted("finished, and then told to stop")


def check_batch(optimisation: Optimisation, processes: int) -> int:
    """Examples of a step that each process takes.

    Raises:
        ConfigError: they are not a whole number.
    """
    if optimisation.batch % processes:
        raise ConfigError(
            f"a global batch of {optimisation.batch} cannot be divided among {processes} processes: choose a multiple."
        )
    return optimisation.batch // processes


def _step(
    model: torch.nn.Module,
    objective: Objective,
    optimisation: Optimisation,
    accelerator: Accelerator,
    step: int,
    share: int,
) -> Tensor:
    """Gradients of one step, clipped, in micro-batches; none if no example of it counts.

    Each example that counts weighs alike, whichever micro-batch and process it is in. The mean of what the processes
    return is the mean loss over all of these examples.
    """
    first = step * optimisation.batch + accelerator.process_index * share
    micro_batch = min(optimisation.micro_batch or share, share)
    parts = [(first + start, min(micro_batch, share - start)) for start in range(0, share, micro_batch)]
    counted = [objective.counted(*part) for part in parts]
    total = _sum(sum(counted), accelerator)
    loss = torch.zeros((), device=accelerator.device)
    if total == 0:
        return loss
    for number, (start, count) in enumerate(parts):
        last = number == len(parts) - 1
        # Processes exchange gradients once a step, with the last micro-batch. DeepSpeed takes its step there as well.
        accelerator.sync_gradients = last
        with contextlib.nullcontext() if last else accelerator.no_sync(model):
            # One division of whole numbers: where all examples count, it is count / share to the bit.
            part = objective.loss(model, start, count) * (counted[number] * accelerator.num_processes / total)
            accelerator.backward(part)
        loss += part.detach()
    accelerator.clip_grad_norm_(model.parameters(), optimisation.clip)
    return loss


def _judge(model: torch.nn.Module, objective: Objective, accelerator: Accelerator, before: Record) -> Record:
    """The objective's evaluation, in evaluation mode and without gradients."""
    model.eval()
    with torch.no_grad():
        record = objective.evaluate(model, accelerator, before)
    model.train()
    return record


def _sum(here: int, accelerator: Accelerator) -> int:
    """The sum of this number over all processes."""
    if accelerator.num_processes == 1:
        return here
    return int(accelerator.reduce(torch.tensor(here, device=accelerator.device), "sum").item())


def _any(here: bool, accelerator: Accelerator, step: int = 0) -> bool:
    """Whether this holds in any process. Several have to meet for it, which they do at every 20th step alone."""
    if accelerator.num_processes == 1:
        return here
    if step % 20:
        return False
    flag = torch.tensor(float(here), device=accelerator.device)
    return bool(accelerator.reduce(flag, "sum").item() > 0)


class _Progress:
    """The progress bar of the main process: loss, accuracy, examples a second, time left."""

    def __init__(self, label: str, row: int, optimisation: Optimisation, step: int, accelerator: Accelerator) -> None:
        self.batch = optimisation.batch
        self.shown: dict[str, Any] = {}
        self.read = 0.0
        self.first = step
        self.bar = tqdm(
            total=optimisation.steps,
            initial=step,
            desc=label,
            position=row,
            leave=row == 0,
            unit="step",
            dynamic_ncols=True,
            mininterval=0.2 if sys.stderr.isatty() else 30,  # a log gets a line now and then
            disable=not accelerator.is_main_process,
        )

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def advance(self, step: int, loss: Tensor) -> None:
        self.bar.update(step - self.bar.n)
        if not self.bar.disable and time.monotonic() - self.read > 1.0:
            self.read = time.monotonic()
            elapsed = max(self.bar.format_dict["elapsed"], 1e-9)
            self.shown["loss"] = f"{loss.item():.3f}"
            self.shown["examples/s"] = f"{(step - self.first) * self.batch / elapsed:,.0f}"
            self.bar.set_postfix(self.shown, refresh=False)

    def judged(self, accuracy: float) -> None:
        self.shown["accuracy"] = f"{accuracy:.1%}"
        self.bar.set_postfix(self.shown, refresh=sys.stderr.isatty())
