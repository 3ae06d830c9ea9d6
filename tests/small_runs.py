"""Configs small enough to run in seconds, and what two of their curves have to share."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

from probe.config import Model, ProbeConfig
from probe.task import RetrievalTask
from training import loop
from training.config import Optimisation


def small_config(name: str = "tiny/pythia", order: Any = "suffix", length: int = 6, **changes: Any) -> ProbeConfig:
    """A run of a second or two. Changes go to the part of the config that has a field of their name."""
    optimisation = Optimisation(
        **{"steps": 12, "evaluations": 3, "batch": 8, "learning_rate": 2e-3, **_taken(Optimisation, changes)}
    )
    model = Model(name=name, **_taken(Model, changes))
    task = RetrievalTask(length, order, **_taken(RetrievalTask, changes))
    settings = {"held_out_examples": 10 * length, "train_examples": 10_000, **changes}
    return ProbeConfig(task=task, model=model, optimisation=optimisation, **settings)


def _taken(kind: Any, changes: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)} & changes.keys()
    return {name: changes.pop(name) for name in names}


def without_seconds(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Curve lines but for the one entry that may differ between runs of a config."""
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def at_step(monkeypatch: Any, step: int, do: Callable[[], object]) -> None:
    """Does something while this process takes the step of this number, counted from 0."""
    original, counter = loop._step, itertools.count()

    def stepping(*arguments: Any) -> Any:
        if next(counter) == step:
            do()
        return original(*arguments)

    monkeypatch.setattr(loop, "_step", stepping)
