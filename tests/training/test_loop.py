"""A step of the loop: what it trains, and how examples weigh whose loss counts, however they are divided."""

from dataclasses import dataclass

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from training.config import Optimisation
from training.loop import _step, train
from training.run import Run, read_curve

COUNTS = torch.tensor([1, 0, 1, 1, 0, 0, 1, 0], dtype=torch.bool)
"""Of eight examples. Micro-batches of three have two, one and one that count; the third of four processes has none."""
NONE = torch.zeros(8, dtype=torch.bool)
ALL = ~NONE


@dataclass(frozen=True)
class Target:
    """Example i wants the output i; those that do not count want nothing."""

    counts: torch.Tensor

    def loss(self, model, first, count):
        number = torch.arange(first, first + count) % len(self.counts)
        inputs = torch.stack([torch.ones(count), number.float()], dim=1)
        errors = (model(inputs)[:, 0] - number) ** 2
        counts = self.counts[number]
        return (errors * counts).sum() / counts.sum().clamp(min=1)

    def counted(self, first, count):
        return int(self.counts[torch.arange(first, first + count) % len(self.counts)].sum())

    def evaluate(self, model, accelerator, before):
        return {}

    def accuracy(self, record):
        return 0.0

    def is_learned(self, record):
        return False

    stops_when_learned = False


class OneOf(Accelerator):
    """One of several processes, as the loop sees it. What it asks all of them to add up is known."""

    num_processes = 1
    process_index = 0

    def reduce(self, tensor, reduction="sum", scale=1.0):
        assert reduction == "sum"
        return tensor.new_tensor(self.total)


def layer():
    torch.manual_seed(0)
    return nn.Linear(2, 1)


def step_of(counts, micro_batch=None, processes=1):
    """Mean gradient and loss of a step of eight examples, in this many processes."""
    share = 8 // processes
    objective, optimisation = Target(counts), Optimisation(batch=8, micro_batch=micro_batch, clip=1e9)
    gradients, losses = [], []
    for index in range(processes):
        accelerator, model = OneOf(), layer()
        accelerator.total, accelerator.num_processes = int(counts.sum()), processes
        accelerator.process_index = index
        losses.append(_step(model, objective, optimisation, accelerator, 0, share))
        gradients.append([p.grad for p in model.parameters()])
    if gradients[0][0] is None:
        assert all(gradient is None for some in gradients for gradient in some)
        return None, torch.stack(losses).mean()
    return [torch.stack(some).mean(dim=0) for some in zip(*gradients, strict=True)], torch.stack(losses).mean()


@pytest.mark.parametrize("counts", [ALL, COUNTS])
@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("micro_batch", [None, 1, 3])
def test_examples_that_count_weigh_alike_however_they_are_divided(counts, micro_batch, processes):
    model = layer()
    whole = Target(counts).loss(model, 0, 8)
    whole.backward()
    gradients, loss = step_of(counts, micro_batch, processes)
    assert loss.item() == pytest.approx(whole.item(), rel=1e-6)
    for ours, theirs in zip(gradients, model.parameters(), strict=True):
        assert torch.allclose(ours, theirs.grad, rtol=1e-6)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_step_without_an_example_that_counts_has_no_loss_and_no_gradients(processes):
    gradients, loss = step_of(NONE, 3, processes)
    assert gradients is None and loss.item() == 0.0


def trained(model, objective, out, **changes):
    optimisation = Optimisation(
        **{"steps": 4, "evaluations": 2, "batch": 8, "schedule": "constant", "weight_decay": 0.1, **changes}
    )
    run = Run(out, optimisation)
    run.start({})
    model.save_pretrained = lambda *_, **__: None
    train(run, model, objective, optimisation, Accelerator(), keep_weights=False)
    return read_curve(run.folder)


def test_steps_without_an_example_that_counts_leave_the_weights_as_they_are(tmp_path):
    model = layer()
    curve = trained(model, Target(NONE), tmp_path)
    assert [line["loss"] for line in curve] == [0.0, 0.0]
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), layer().parameters(), strict=True))


def test_what_is_frozen_is_not_trained_nor_decayed(tmp_path):
    model = layer()
    model.bias.requires_grad_(False)
    trained(model, Target(ALL), tmp_path)
    assert torch.equal(model.bias, layer().bias) and not torch.equal(model.weight, layer().weight)
