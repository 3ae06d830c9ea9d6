"""How long a run takes at the most, before it is started.

A model that is made here is built and takes a few steps on this machine. For a pretrained one nothing is loaded: its
arithmetic (2 operations a parameter and token forward, 4 backward) is divided by the rate at which this device
multiplies matrices, and by the share of that rate which training reaches. The first is within a few per cent, the
second within a factor of two or three.
"""

import statistics
import time
from dataclasses import dataclass
from itertools import pairwise

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from backbones.models import check
from backbones.pairs import PARAMETERS, SHIPPED, pair_of, source_of
from probe.config import ProbeConfig
from probe.evaluate import evaluate
from probe.trainer import Retrieval, prepare

UTILISATION = 0.35
"""Share of the rate of a large matrix product that a training step of a pretrained model is taken to reach."""


@dataclass(frozen=True)
class Estimate:
    """Time of a run that goes through all its planned steps."""

    step_seconds: float
    question_seconds: float
    """Of one example of an evaluation."""
    measured: bool
    """Whether steps were taken, or arithmetic counted."""

    def seconds(self, config: ProbeConfig) -> float:
        """The planned steps, their evaluations, and the one that asks everything before the task counts as learned."""
        optimisation = config.optimisation
        questions = optimisation.evaluations * (config.evaluation_examples + config.validation_examples)
        questions += config.held_out_examples - config.evaluation_examples
        return self.step_seconds * optimisation.steps + self.question_seconds * questions


class Estimator:
    """Estimates that share what they have in common: runs that differ in seeds and learning rate are timed once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Estimate] = {}

    def __call__(self, config: ProbeConfig) -> Estimate:
        optimisation = config.optimisation
        key = (
            config.model.name,
            config.task.length,
            config.task.pool_size,
            optimisation.batch,
            optimisation.micro_batch,
            optimisation.precision,
            config.supervision,
            config.score_end,
        )
        if key not in self._known:
            is_large = config.model.is_pretrained and pair_of(config.model.name) not in SHIPPED
            self._known[key] = _count(config) if is_large else _measure(config)
            AcceleratorState._reset_state()  # the next one may ask for another precision
        return self._known[key]


def _measure(config: ProbeConfig, steps: int = 10) -> Estimate:
    """Takes a few steps with a plain optimizer; the first two warm up and are not counted, and the median passes over
    those that something else on the machine held up."""
    accelerator = Accelerator(mixed_precision="bf16" if config.optimisation.precision == "bf16" else "no")
    model, task = prepare(config)
    model.to(accelerator.device)
    objective = Retrieval(config, task)
    optimizer = torch.optim.AdamW(model.parameters())
    share = config.optimisation.batch // accelerator.num_processes
    micro_batch = min(config.optimisation.micro_batch or share, share)
    ends = []
    for step in range(steps + 2):
        for start in range(0, share, micro_batch):
            with accelerator.autocast():
                loss = objective.loss(model, step * share + start, min(micro_batch, share - start))
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        ends.append(_now(accelerator.device))
    step_seconds = statistics.median(end - start for start, end in pairwise(ends[1:]))
    model.eval()
    examples = min(config.held_out_examples, 2 * objective.evaluation_batch * accelerator.num_processes)
    started = _now(accelerator.device)
    evaluate(model, task, range(examples), accelerator, objective.evaluation_batch, "held-out")
    return Estimate(step_seconds, (_now(accelerator.device) - started) / examples, measured=True)


def _count(config: ProbeConfig) -> Estimate:
    """Counts operations and asks the device how many it does in a second."""
    accelerator = Accelerator()
    parameters = PARAMETERS.get(source_of(config.model.name)) or _parameters_of(config.model.name)
    dtype = torch.bfloat16 if config.optimisation.precision == "bf16" else torch.float32
    rate = _matrix_rate(accelerator.device, dtype) * UTILISATION * accelerator.num_processes
    tokens = config.task.length + 2 + config.score_end
    forward = 2 * parameters * tokens / rate
    return Estimate(3 * forward * config.optimisation.batch, forward, measured=False)


def _parameters_of(name: str) -> int:
    """Parameters of a model that is known by its config alone."""
    from accelerate import init_empty_weights
    from transformers import AutoModelForCausalLM

    with init_empty_weights():
        return int(AutoModelForCausalLM.from_config(check(name)).num_parameters())


def _matrix_rate(device: torch.device, dtype: torch.dtype, size: int = 2048, repeats: int = 5) -> float:
    """Operations a second in a product of two size x size matrices."""
    a = torch.randn(size, size, device=device, dtype=dtype)
    a @ a
    started = _now(device)
    for _ in range(repeats):
        a @ a
    return 2 * size**3 * repeats / (_now(device) - started)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
