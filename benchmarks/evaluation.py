"""What evaluations cost beside training, and whether the cheap ones stop a run where the paper's would have.

    python -m benchmarks.evaluation cost           writes benchmarks/results/evaluation_cost.json
    python -m benchmarks.evaluation agreement      writes benchmarks/results/evaluation_agreement.json (a quarter hour)

cost        the paper's 78,125 steps of 64 with 100 evaluations, at its lengths: the share of training time that goes
            into evaluations of the default size (with validation, and the whole held-out set once, to stop) and into
            evaluations that ask all 100,000 examples each time. Target: at most 10 %.
agreement   runs that are judged both ways at the same steps, until both say 95 %. Target: the same evaluation, or the
            next one. Far below the threshold (under 85 % of the first 2,000) the whole set is not asked: of a model
            that has passed 95 % so few right answers do not come.
"""

import argparse
import itertools
from collections.abc import Iterator
from functools import partial

import torch
from accelerate import Accelerator

from backbones.pairs import FAMILIES, name_of
from benchmarks.timing import DEVICE, seconds_of, write_results
from probe.config import Model, ProbeConfig
from probe.evaluate import Evaluation, evaluate, evaluate_near
from probe.task import Order, RetrievalTask
from probe.trainer import Retrieval, prepare
from training.config import Optimisation

LENGTHS = (50, 100, 200)
SEEDS = range(6)
EVERY, LONGEST = 20, 4_000
"""Steps between two evaluations of the second part, and steps after which a run is given up."""

FAR = 0.85
Row = dict[str, object]


def cost(family: str, length: int) -> Row:
    """The share of training time of either kind of evaluation, for one model of the tiny pair."""
    config = ProbeConfig(task=RetrievalTask(length, "suffix"), model=Model(name=name_of("tiny", family)))
    model, task = prepare(config)
    model.to(DEVICE)  # type: ignore[arg-type]  # transformers annotates it for one of its own decorators
    objective = Retrieval(config, task)
    optimizer = torch.optim.AdamW(model.parameters())
    batch = config.optimisation.batch

    def step() -> None:
        objective.loss(model, 0, batch).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    accelerator = Accelerator()
    questions = 2 * objective.evaluation_batch

    def ask() -> None:
        evaluate(model, task, range(questions), accelerator, objective.evaluation_batch, "held-out")

    step_seconds = seconds_of(step, repeats=5)
    model.eval()
    question_seconds = seconds_of(ask, repeats=5) / questions
    training = step_seconds * config.optimisation.steps
    evaluations, whole = config.optimisation.evaluations, config.held_out_examples
    small = evaluations * (config.evaluation_examples + config.validation_examples) + whole
    return {
        "family": family,
        "length": length,
        "examples_of_an_evaluation": config.evaluation_examples + config.validation_examples,
        "share_of_training": round(question_seconds * small / training, 4),
        "share_of_training_if_all_are_asked": round(question_seconds * evaluations * whole / training, 4),
    }


def agreement(family: str, order: Order, seed: int) -> Row:
    """When each kind of evaluation says that one run of the pretrained tiny pair has passed 95 %, at length 8."""
    config = ProbeConfig(
        task=RetrievalTask(8, order, seed=seed),
        model=Model(name=name_of("tiny-pretrained", family), weight_seed=seed, init_seed=seed),
        optimisation=Optimisation(steps=LONGEST, schedule="constant", evaluations=LONGEST // EVERY),
    )
    model, task = prepare(config)
    model.to(DEVICE)  # type: ignore[arg-type]
    objective, accelerator = Retrieval(config, task), Accelerator()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.optimisation.learning_rate, weight_decay=0.0)
    whole, first = config.held_out_examples, config.evaluation_examples
    asked, evaluations, sizes = 0, 0, list[int]()

    def ask(numbers: range) -> Evaluation:
        return evaluate(model, task, numbers, accelerator, objective.evaluation_batch, "held-out")

    passed: dict[str, int] = {}
    for step in _steps(objective, model, optimizer, config.optimisation):
        if step % EVERY:
            continue
        model.eval()
        near = evaluate_near(config.threshold, first, whole, ask)
        model.train()
        evaluations += 1
        asked += near.total
        sizes.append(near.total)
        everything = near
        if near.total < whole and sum(near.correct) > FAR * near.total:
            model.eval()
            everything = near + ask(range(near.total, whole))
            model.train()
        if everything.total == whole and sum(everything.correct) >= config.threshold * whole:
            passed.setdefault("all", step)
            if near.total == whole:
                passed.setdefault("default", step)
        if len(passed) == 2:
            break
    late = (passed["default"] - passed["all"]) // EVERY if len(passed) == 2 else None
    return {
        "family": family,
        "order": order,
        "seed": seed,
        "evaluations": evaluations,
        "passed_at": passed.get("all"),
        "passed_at_by_default": passed.get("default"),
        "evaluations_late": late,
        "questions": asked,
        "questions_if_all_are_asked": evaluations * whole,
        "largest_before_the_last": max(sizes[:-1], default=0),
    }


def _steps(
    objective: Retrieval, model: torch.nn.Module, optimizer: torch.optim.Optimizer, optimisation: Optimisation
) -> Iterator[int]:
    """Trains, and gives the number of steps taken after each."""
    model.train()
    for step in range(optimisation.steps):
        objective.loss(model, step * optimisation.batch, optimisation.batch).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), optimisation.clip)
        optimizer.step()
        optimizer.zero_grad()
        yield step + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["cost", "agreement"])
    asked = parser.parse_args().part
    orders: tuple[Order, ...] = ("suffix", "prefix")
    measurements = {
        "cost": (partial(cost, family, length) for length in LENGTHS for family in FAMILIES),
        "agreement": (partial(agreement, *run) for run in itertools.product(FAMILIES, orders, SEEDS)),
    }
    rows = []
    for measure in measurements[asked]:
        rows.append(measure())
        print(rows[-1], flush=True)
    write_results(f"evaluation_{asked}", f"python -m benchmarks.evaluation {asked}", rows)


if __name__ == "__main__":
    main()
