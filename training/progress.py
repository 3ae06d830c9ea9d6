"""How far runs are, from the small files of their directories alone: thousands of them in a second, without torch.

What is left of a run is told from its planned steps and its own speed, or from that of runs like it: the same model and
batch, whatever the seeds. It is an upper bound: a run may learn sooner what it is trained for.
"""

import json
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.config import ConfigError, flatten, require_choice
from training.lock import Owner, owner_of
from training.run import read_config, read_kind, read_ran_with, read_state, read_status

STATES = ("running", "planned", "interrupted", "failed", "damaged", "finished")
"""In the order in which they want to be seen. damaged: its files cannot be read, or are not what was written."""


@dataclass(frozen=True)
class Progress:
    """One run, as its directory tells."""

    folder: Path
    state: str
    kind: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    ran_with: dict[str, Any] = field(default_factory=dict)
    owner: Owner | None = None
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    seconds_a_step: float | None = None
    accuracy: float | None = None
    learned_at: int | None = None
    error: str = ""
    """The last line of what it failed of, or what is wrong with its files."""

    @property
    def steps_left(self) -> int:
        return 0 if self.state in ("finished", "damaged") else self.steps - self.step

    @property
    def devices(self) -> float:
        """Cores or GPUs that it takes at once: of a GPU that it shares with others, a part."""
        of_a_process = self.ran_with.get("threads", 1) if self.ran_with.get("device") == "cpu" else None
        return float(self.ran_with.get("processes", 1) * (of_a_process or self.ran_with.get("share", 1.0)))


def progress_of(folder: Path) -> Progress:
    """What the directory of a run says of it; a sentence in `error`, and no exception, where it is damaged."""
    try:
        config, status, state = read_config(folder), read_status(folder), read_state(folder)
        require_choice("state", state, STATES)
        steps = int(config["optimisation"]["steps"])
        step, seconds = int(status.get("step", 0)), float(status.get("seconds", 0.0))
        pace = seconds / step if step else None
        owner = owner_of(folder) if state == "running" else None
        return Progress(
            folder=folder,
            state=state,
            kind=read_kind(folder),
            config=config,
            ran_with=read_ran_with(folder),
            owner=owner,
            step=max(step, owner.step if owner else 0),
            steps=steps,
            seconds=seconds,
            seconds_a_step=pace,
            accuracy=status.get("accuracy"),
            learned_at=status.get("learned_at"),
            error=last_line(str(status.get("traceback") or "")),
        )
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        said = str(error) if isinstance(error, ConfigError) else f"{folder} is not as this version writes it: {error!r}"
        return Progress(folder, "damaged", error=said)


def seconds_left(runs: Sequence[Progress]) -> list[float | None]:
    """Time that each run has left, in its order; None where nothing like it has run yet."""
    paces: dict[str, list[float]] = {}
    for run in runs:
        if run.seconds_a_step is not None:
            paces.setdefault(_likeness(run), []).append(run.seconds_a_step)
    left: list[float | None] = []
    for run in runs:
        alike = paces.get(_likeness(run))
        pace = run.seconds_a_step or (statistics.median(alike) if alike else None)
        left.append(0.0 if not run.steps_left else None if pace is None else pace * run.steps_left)
    return left


@dataclass(frozen=True)
class Totals:
    """A folder of runs in a few numbers."""

    states: dict[str, int]
    hours_spent: float
    """Hours of a GPU, or of a core of the processor: a run on four GPUs spends four an hour."""
    hours_left: float
    """At most, of the runs whose speed is known."""
    unknown: int
    """Runs with steps left that nothing is known of."""
    unit: str


def totals(runs: Sequence[Progress], left: Sequence[float | None]) -> Totals:
    counted = Counter(run.state for run in runs)
    devices = {run.ran_with["device"] for run in runs if "device" in run.ran_with}
    return Totals(
        states={state: counted[state] for state in STATES if counted[state]},
        hours_spent=sum(run.seconds * run.devices for run in runs) / 3600,
        hours_left=sum(seconds * run.devices for run, seconds in zip(runs, left, strict=True) if seconds) / 3600,
        unknown=sum(seconds is None for seconds in left),
        unit="CPU-hours" if devices == {"cpu"} else "GPU-hours" if devices and "cpu" not in devices else "hours",
    )


def _likeness(run: Progress) -> str:
    """What runs of about one speed have in common: all but seeds, rates, and how long they go on."""
    other = ("seed", "learning_rate", "steps", "schedule", "warmup", "threshold", "evaluations", "order")
    alike = {key: value for key, value in flatten(run.config).items() if not key.endswith(other)}
    return json.dumps(alike, sort_keys=True)


def last_line(traceback: str) -> str:
    """What a traceback ends with, without the module of the error's class."""
    return re.sub(r"^(\w+\.)+", "", next(reversed(traceback.strip().splitlines()), ""))
