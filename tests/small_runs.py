"""Configs small enough to run in seconds, and what two of their curves have to share."""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from probe.config import Model, ProbeConfig
from probe.task import RetrievalTask
from training import loop
from training.config import Optimisation, hash_of
from training.run import Run

RAN = {"device": "cpu", "processes": 1, "model": {"family": "pythia", "parameters": 1000}}


def small_config(name: str = "tiny/pythia", order: Any = "suffix", length: int = 6, **changes: Any) -> ProbeConfig:
    """A run of a second or two. Changes go to the part of the config that has a field of their name."""
    optimisation = Optimisation(
        **{"steps": 12, "evaluations": 3, "batch": 8, "learning_rate": 2e-3, **_taken(Optimisation, changes)}
    )
    model = Model(name=name, **_taken(Model, changes))
    task = RetrievalTask(length, order, **_taken(RetrievalTask, changes))
    settings = {"held_out_examples": 10 * length, "train_examples": 10_000, "validation_examples": 0, **changes}
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


def as_of_another_version(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Changes the config of a run as if another version had written it, which names its folder after that."""
    written = json.loads((folder / "config.json").read_text())
    change(written["config"])
    (folder / "config.json").write_text(json.dumps(written))
    return folder.rename(folder.with_name(hash_of(written["kind"], written["config"])))


def with_curve(folder: Path, text: str) -> None:
    """Gives a finished run another curve, as if it had written it."""
    (folder / "curve.jsonl").write_text(text)
    status = json.loads((folder / "status.json").read_text())
    status["curve"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "status.json").write_text(json.dumps(status))


def in_state(out: Path, state: Any, seed: int, ran_with: dict[str, Any] = RAN, **details: Any) -> Run:
    """A run of 100 steps that says of itself that it is in this state."""
    run = Run(out, small_config(seed=seed, steps=100, evaluations=4))
    run.start(ran_with)
    run.set_state(state, **details)
    return run


def one_in_each_state(out: Path) -> Path:
    """A folder with a run in each state."""
    known = {"steps": 100, "accuracy": 0.5, "learned_at": None}
    done = {**known, "step": 60, "accuracy": 0.96, "learned_at": 60}
    in_state(out, "finished", 0, seconds=30.0, **done)
    in_state(out, "interrupted", 1, step=20, seconds=10.0, **known)
    in_state(out, "failed", 2, traceback="Traceback\n  File x\nmodule.Diverged: the loss became nan")
    Run(out, small_config(seed=3, steps=100, evaluations=4)).plan()
    in_state(out, "running", 4, step=40, seconds=20.0, **known)  # whose process is gone
    broken = Run(out, small_config(seed=5, steps=100, evaluations=4))
    broken.plan()
    (broken.folder / "config.json").write_text("{half")
    return out
