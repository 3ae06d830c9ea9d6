"""Runs of a tiny model that differ in their seeds and learning rates: one at a time in a process, or stacked into one.

    python -m benchmarks.stacked              writes benchmarks/results/stacked.json; six minutes on two busy cores

A run alone is what a worker of a sweep does. Stacked, the weights of S members are rows of one matrix (S x parameters):
every projection is one batched product, AdamW goes over the rows once, and each member has its own data, clipping and
learning rate. Members share no number, so each should have the losses of its own run. Batch 64, float32.

    pythia    everything is batched; the norms' weights are folded into the projections behind them
    mamba     the projections around a block are batched. The scan is not: its channels share B and C, and its
              sequences share A, so neither axis can hold members who share nothing, and it is called for each

alone       The baseline: two processes with one thread each, each with a run of its own.
threads     One run in one process with two threads.
stacked     S members in each of two processes with one thread; stacked-threads: in one process with two.
overhead    The share of a run's step that is left with one example instead of 64: above what stacking could ever save.
agreement   The largest difference between a member's losses and those of its own run, in the first steps. Later, when
            the losses fall, what the order of a sum rounds off has grown beyond any such bound.

Speeds are member-steps a second, over all processes. Target: twice the baseline for both families. They are given by
the clock and, since others may compute on the machine too, for each two seconds on processors: the same on two cores
that do nothing else. Of two threads the latter counts the waiting for each other as well.

What it means: a stack is worth having where overhead is most of a step. Here it is not: at batch 64 even these models
spend three quarters of a step (length 16) or nearly nine tenths (length 50) in arithmetic, which is the same however
many members share a call. So two processes stay, and nothing in `training` knows of stacks.
"""

import math
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from backbones.pairs import FAMILIES, name_of
from backbones.scan.block import mamba_block
from backbones.scan.norm import rms_norm
from benchmarks.timing import write_results
from probe.config import Model, ProbeConfig
from probe.task import RetrievalTask
from probe.trainer import Retrieval, prepare
from training.config import Optimisation

LENGTHS = (16, 50)
MEMBERS, MEMBERS_OF_THREADS = (2, 4, 8, 16), 8
BATCH = 64
CLIP = 1.0
ROUNDS, SECONDS = 3, 0.6
COMPARED, STEPS = 4, 50
"""Members whose losses are compared, and for how many steps."""

Weights = dict[str, Tensor]
"""By name, S x the shape in the model."""


class Trainer(Protocol):
    def step(self) -> Tensor:
        """One step of training; the losses of the members."""


class Alone:
    """One run, as a sweep has it: the member with this seed."""

    def __init__(self, family: str, length: int, seed: int, batch: int = BATCH) -> None:
        self.config = config_of(family, length, seed)
        self.model, task = prepare(self.config)
        self.model.train()
        self.objective = Retrieval(self.config, task)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=self.config.optimisation.learning_rate, weight_decay=0.0
        )
        self.batch, self.steps = batch, 0

    def step(self) -> Tensor:
        loss = self.objective.loss(self.model, self.steps * self.batch, self.batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.steps += 1
        return loss.detach()[None]


class Stacked:
    """Several runs as one: the members with these seeds."""

    def __init__(self, family: str, length: int, seeds: Sequence[int]) -> None:
        configs = [config_of(family, length, seed) for seed in seeds]
        members = [prepare(config) for config in configs]
        self.model, self.tasks = members[0][0], [task for _, task in members]
        self.logits = pythia_logits if family == "pythia" else mamba_logits
        self.shapes = {name: weight.shape for name, weight in self.model.named_parameters()}
        self.rows = torch.stack([torch.cat([x.detach().flatten() for x in model.parameters()]) for model, _ in members])
        self.leaf = self.rows.detach().requires_grad_()  # the same memory
        groups = [
            {"params": [row], "lr": config.optimisation.learning_rate}
            for row, config in zip(self.rows, configs, strict=True)
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.0, fused=True)
        self.steps = 0

    def step(self) -> Tensor:
        indices = torch.arange(self.steps * BATCH, (self.steps + 1) * BATCH)
        tokens, answers, _ = map(
            torch.stack, zip(*(task.examples("train", indices) for task in self.tasks), strict=True)
        )
        parts = self.leaf.split([math.prod(shape) for shape in self.shapes.values()], dim=1)
        weights = {name: part.view(-1, *shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}
        logits = self.logits(self.model, weights, tokens)
        losses = F.cross_entropy(logits.flatten(0, 1), answers.flatten(), reduction="none").view(-1, BATCH).mean(dim=1)
        (gradient,) = torch.autograd.grad(losses.sum(), [self.leaf])
        gradient *= (CLIP / (gradient.norm(dim=1, keepdim=True) + 1e-6)).clamp(max=1.0)
        for group, row in zip(self.optimizer.param_groups, gradient, strict=True):
            group["params"][0].grad = row
        self.optimizer.step()
        self.steps += 1
        return losses.detach()


def config_of(family: str, length: int, seed: int) -> ProbeConfig:
    """Members differ in all three seeds and in the learning rate."""
    return ProbeConfig(
        task=RetrievalTask(length, "suffix", seed=seed),
        model=Model(name=name_of("tiny", family), weight_seed=seed, init_seed=seed),
        optimisation=Optimisation(batch=BATCH, learning_rate=(1e-3, 5e-4, 2e-3)[seed % 3]),
    )


def pythia_logits(model: PreTrainedModel, weights: Weights, tokens: Tensor) -> Tensor:
    """The forward of `GPTNeoXForCausalLM` for members x batch x length tokens: members x batch x vocabulary, of the
    last position."""
    members, batch, length = tokens.shape
    width, heads, eps = model.config.hidden_size, model.config.num_attention_heads, model.config.layer_norm_eps
    size = width // heads
    embedding = weights["gpt_neox.embed_in.weight"]
    x = _embedded(embedding, tokens)
    rotary = cast(Any, model.gpt_neox).rotary_emb
    cos, sin = (table[0][:, None, None] for table in rotary(x, torch.arange(length)[None]))
    sin = torch.cat([-sin[..., : size // 2], sin[..., size // 2 :]], dim=-1)

    def project(x: Tensor, name: str, norm: str | None = None) -> Tensor:
        matrix, bias = weights[f"{layer}.{name}.weight"], weights[f"{layer}.{name}.bias"]
        if norm is not None:
            bias = torch.baddbmm(bias[:, :, None], matrix, weights[f"{layer}.{norm}.bias"][:, :, None])[:, :, 0]
            matrix = matrix * weights[f"{layer}.{norm}.weight"][:, None]
        return torch.baddbmm(bias[:, None], x, matrix.transpose(1, 2))

    for number in range(model.config.num_hidden_layers):
        layer = f"gpt_neox.layers.{number}"
        normed = F.layer_norm(x, (width,), eps=eps)
        qkv = project(normed, "attention.query_key_value", "input_layernorm")
        qkv = qkv.view(members * batch, length, heads, 3, size)
        rotated = qkv[:, :, :, :2] * cos + qkv[:, :, :, :2].roll(size // 2, dims=-1) * sin
        q, k, v = (part.transpose(1, 2) for part in (*rotated.unbind(3), qkv[:, :, :, 2]))
        read = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(x.shape)
        inner = F.gelu(project(normed, "mlp.dense_h_to_4h", "post_attention_layernorm"))
        x = x + project(read, "attention.dense") + project(inner, "mlp.dense_4h_to_h")
    last = F.layer_norm(x.view(*tokens.shape, width)[:, :, -1], (width,), eps=eps)
    last = last * weights["gpt_neox.final_layer_norm.weight"][:, None]
    return (last + weights["gpt_neox.final_layer_norm.bias"][:, None]) @ embedding.transpose(1, 2)


def mamba_logits(model: PreTrainedModel, weights: Weights, tokens: Tensor) -> Tensor:
    """The forward of `MambaForCausalLM`, in the same shapes."""
    width, eps = model.config.hidden_size, model.config.layer_norm_epsilon
    embedding, ones = weights["backbone.embeddings.weight"], torch.ones(model.config.hidden_size)
    x = _embedded(embedding, tokens)
    for number in range(model.config.num_hidden_layers):
        layer = f"backbone.layers.{number}"
        mixer = {name: weights[f"{layer}.mixer.{name}"] for name in ("A_log", "D", "conv1d.bias", "dt_proj.bias")}
        W_in, W_p, W_delta, W_out = (weights[f"{layer}.mixer.{name}_proj.weight"] for name in ("in", "x", "dt", "out"))
        normed = rms_norm(x, ones, eps)
        xz = torch.bmm(normed, (W_in * weights[f"{layer}.norm.weight"][:, None]).transpose(1, 2))
        convolution = weights[f"{layer}.mixer.conv1d.weight"].squeeze(2)
        others = (mixer["conv1d.bias"], W_p, W_delta, -mixer["A_log"].exp(), mixer["D"], mixer["dt_proj.bias"])
        each = zip(xz.view(*tokens.shape, -1), convolution, *others, strict=True)
        y = torch.stack([mamba_block(*member) for member in each])
        x = torch.baddbmm(x, y.flatten(1, 2), W_out.transpose(1, 2))
    last = rms_norm(x.view(*tokens.shape, width)[:, :, -1], ones, eps)
    return (last * weights["backbone.norm_f.weight"][:, None]) @ embedding.transpose(1, 2)


def _embedded(embedding: Tensor, tokens: Tensor) -> Tensor:
    """members x (batch * length) x width."""
    members, rows, width = embedding.shape
    own = tokens + rows * torch.arange(members)[:, None, None]
    return F.embedding(own, embedding.reshape(members * rows, width)).view(members, -1, width)


_made: dict[str, Trainer] = {}
"""What a process trains, by the name of the variant."""


def make(variant: str, threads: int, kind: Callable[..., Trainer], arguments: Sequence[Any]) -> None:
    """In a process: a trainer that has done its first step."""
    torch.set_num_threads(threads)
    _made[variant] = kind(*arguments)
    _made[variant].step()


def rates(variant: str, threads: int) -> tuple[float, float]:
    """In a process: steps a second, by the clock and by the time on processors."""
    torch.set_num_threads(threads)
    steps, started, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - started < SECONDS:
        _made[variant].step()
        steps += 1
    return steps / (time.perf_counter() - started), steps / (time.process_time() - used)


def losses_of(kind: Callable[..., Trainer], all_arguments: Sequence[Sequence[Any]]) -> Tensor:
    """In a process: steps x members."""
    _made.clear()
    torch.set_num_threads(1)
    trainers = [kind(*arguments) for arguments in all_arguments]
    return torch.stack([torch.cat([trainer.step() for trainer in trainers]) for _ in range(STEPS)])


def measure(workers: Sequence[Any], family: str, length: int) -> list[dict[str, Any]]:
    """All variants of one model at one length, in turns, so that each sees the same machine."""

    def seeds(count: int, worker: int) -> list[int]:
        return list(range(count * worker, count * (worker + 1)))

    # name: (members of a process, processes, the trainer of each)
    variants: dict[str, tuple[int, int, list[tuple[Callable[..., Trainer], Sequence[Any]]]]] = {
        "alone": (1, 2, [(Alone, (family, length, worker)) for worker in range(2)]),
        "one-example": (1, 2, [(Alone, (family, length, worker, 1)) for worker in range(2)]),
        "threads": (1, 1, [(Alone, (family, length, 0))]),
    }
    for count in MEMBERS:
        stacks = [(Stacked, (family, length, seeds(count, worker))) for worker in range(2)]
        variants[f"stacked {count}"] = (count, 2, [*stacks])
        if count == MEMBERS_OF_THREADS:
            variants["stacked-threads"] = (count, 1, [stacks[0]])
    for name, (_, processes, trainers) in variants.items():
        parts = zip(workers, trainers, strict=False)
        _wait([worker.apply_async(make, (name, 3 - processes, *trainer)) for worker, trainer in parts])
    speeds: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for turn in range(ROUNDS):
        for name in list(variants)[:: 1 if turn % 2 else -1]:
            count, processes, _ = variants[name]
            asked = [worker.apply_async(rates, (name, 3 - processes)) for worker in workers[:processes]]
            by_clock, by_processor = map(sum, zip(*_wait(asked), strict=True))
            # One process with two threads: a second of it is a second on each of them.
            speeds[name].append((count * by_clock, count * by_processor * (3 - processes)))

    def times(name: str, clock: int) -> float:
        """How many times the baseline's speed, round by round."""
        pairs = zip(speeds[name], speeds["alone"], strict=True)
        return statistics.median(mine[clock] / baseline[clock] for mine, baseline in pairs)

    common = {"family": family, "length": length}
    rows = [
        common
        | {"what": name.split()[0], "members": count, "processes": processes}
        | {"steps_per_second": round(statistics.median(speed for speed, _ in speeds[name]), 1)}
        | {"steps_per_two_processor_seconds": round(statistics.median(speed for _, speed in speeds[name]), 1)}
        | {"times_the_baseline": round(times(name, 0), 2), "by_processor_time": round(times(name, 1), 2)}
        for name, (count, processes, _) in variants.items()
        if name != "one-example"
    ]
    rows.append(common | {"what": "overhead", "share": round(1 / times("one-example", 1), 2)})
    each = [(family, length, seed) for seed in range(COMPARED)]
    asked = [
        workers[0].apply_async(losses_of, (Alone, each)),
        workers[1].apply_async(losses_of, (Stacked, [(family, length, range(COMPARED))])),
    ]
    own, stacked = cast(list[Tensor], _wait(asked))
    difference = float((own - stacked).abs().max())
    return [*rows, common | {"what": "agreement", "members": COMPARED, "steps": STEPS, "difference": difference}]


def _wait(asked: Sequence[Any]) -> list[Any]:
    return [answer.get() for answer in asked]


def main() -> None:
    rows = []
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1) as one, spawn.Pool(1) as other:
        for length in LENGTHS:
            for family in FAMILIES:
                for row in measure((one, other), family, length):
                    rows.append(row)
                    print(row, flush=True)
    write_results("stacked", "python -m benchmarks.stacked", rows)


if __name__ == "__main__":
    main()
