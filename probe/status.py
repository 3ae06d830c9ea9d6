"""What is known of the runs below a folder, from the small files of their directories: as a table, again and again, or
for a script. It reads no curves and imports no torch, so that thousands of runs take a second or two.
"""

import contextlib
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from backbones.pairs import FAMILIES
from probe.settings import FACTS, settings_of, short, variants
from training.config import require
from training.progress import STATES, Progress, Totals, progress_of, seconds_left, totals
from training.run import run_folders

WIDTH_OF_A_FILE = 170
"""Columns of a table that is written to a file or a pipe, where there is no terminal to ask."""

WATCHED = 2.0
"""Seconds between two looks."""

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Overview:
    """The runs of a folder."""

    runs: list[Progress]
    rows: list[Row]
    """Of each run: its settings, its progress, and facts about its model. What has no such setting is without it."""
    totals: Totals


def overview(folders: Sequence[Path]) -> Overview:
    """Reads these directories of runs."""
    runs = sorted((progress_of(folder) for folder in folders), key=lambda run: STATES.index(run.state))
    left = seconds_left(runs)
    rows = [_row(run, seconds) for run, seconds in zip(runs, left, strict=True)]
    probes = [n for n, row in enumerate(rows) if "query" in row]
    for n, variant in zip(probes, variants([rows[n] for n in probes], [runs[n].config for n in probes]), strict=True):
        rows[n]["variant"] = variant
    return Overview(runs, rows, totals(runs, left))


def print_status(out: Path) -> None:
    """Every run below a folder.

    Raises:
        ConfigError: there are none.
    """
    print_rows(_folders(out))


def print_rows(folders: Sequence[Path]) -> None:
    """One line for each of these runs, what they sum up to, and what the families differ in."""
    seen, out = overview(folders), console()
    _print_table(out, seen)
    for line in (*_summary(seen), *_comparison(seen.rows)):
        out.print(line, soft_wrap=True)


def print_json(out: Path) -> None:
    """The same for a script: {"runs": [a row each], "totals": {...}}."""
    seen = overview(_folders(out))
    print(json.dumps({"runs": seen.rows, "totals": dataclasses.asdict(seen.totals)}, indent=1))


def watch_status(out: Path) -> None:
    """Shows what is not finished, and the totals, until Ctrl-C or until nothing is left to wait for."""
    _folders(out)
    with contextlib.suppress(KeyboardInterrupt), Live(console=console(), auto_refresh=False) as live:
        while True:
            seen = overview(_folders(out))
            room = max(5, live.console.height - 12)
            table = _table([row for row in seen.rows if row["state"] != "finished"][:room])
            live.update(Group(table, *_summary(seen)), refresh=True)
            if not seen.totals.states.keys() & {"running", "planned"}:
                return
            time.sleep(WATCHED)


def duration(seconds: float) -> str:
    """Seconds in words: `40 s`, `12 min`, `3.5 h`, `2.1 days`."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def console(quiet: bool = False) -> Console:
    """Where tables go."""
    out = Console(highlight=False)
    return Console(highlight=False, width=None if out.is_terminal else WIDTH_OF_A_FILE, quiet=quiet)


def _folders(out: Path) -> list[Path]:
    folders = run_folders(out)
    require(bool(folders), f"{out} holds no runs: name the folder that probe train or probe sweep wrote to.")
    return folders


def _row(run: Progress, left: float | None) -> Row:
    """A run in the words of a table."""
    row: Row = {"run": run.folder.name, "kind": run.kind, "variant": ""}
    if run.kind == "ProbeConfig":
        with contextlib.suppress(KeyError, TypeError):
            row |= settings_of(run.folder.name, run.config, run.ran_with.get("model", {}))
    elif "name" in run.config:
        row |= {"model": run.config["name"], "learning_rate": run.config["optimisation"]["learning_rate"]}
        row |= {"length": run.config.get("corpus", {}).get("length")}
    facts = run.ran_with.get("model", {})
    return {
        **row,
        **{fact: facts.get(fact) for fact in FACTS},
        "state": run.state,
        "owner": str(run.owner or ""),
        "step": run.step,
        "planned_steps": run.steps,
        "accuracy": run.accuracy,
        "steps_to_threshold": run.learned_at,
        "seconds": run.seconds,
        "steps_a_second": run.seconds_a_step and 1 / run.seconds_a_step,
        "seconds_left": left,
        "error": run.error,
    }


def _table(rows: Sequence[Row]) -> Table:
    """A line a run, for the screen."""
    table = Table("run", "model", "order", "length", "lr", "seeds w/i/d", "state", "step", "accuracy", "learned at")
    for name in ("steps/s", "left"):
        table.add_column(name)
    for column in table.columns:
        column.overflow = "fold"  # a name that is cut names nothing
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _print_table(out: Console, seen: Overview) -> None:
    """The table; of a great many runs as plain lines, which take no time to lay out."""
    order = ("model", "variant", "query", "length", "learning_rate", "run")
    rows = sorted(seen.rows, key=lambda row: tuple(str(row.get(name, "")).rjust(12) for name in order))
    if len(rows) <= 300:
        out.print(_table(rows))
        return
    for row in rows:
        print("  ".join(cell.ljust(14) for cell in _cells(row)).rstrip())


def _cells(row: Row) -> list[str]:
    reached, step, left = row["steps_to_threshold"], row["step"], row["seconds_left"]
    seeds = "/".join(str(row[seed]) for seed in ("weight_seed", "init_seed", "data_seed") if seed in row)
    asked = "" if row.get("supervision", "answer") == "answer" else f" ({row['supervision']})"
    never = "-" if not step or "query" not in row else f"not by {step:,}"
    return [
        row["run"],
        short(row.get("model") or row["kind"]) + (f", {row['variant']}" if row["variant"] else ""),
        row.get("order", "-") + asked,
        str(row.get("length", "-")),
        f"{row['learning_rate']:g}" if "learning_rate" in row else "-",
        seeds or "-",
        row["state"] + (f" ({row['owner']})" if row["owner"] else ""),
        f"{step:,} of {row['planned_steps']:,}",
        "-" if row["accuracy"] is None else f"{row['accuracy']:.1%}",
        never if reached is None else f"{reached:,}",
        f"{row['steps_a_second']:.3g}" if row["steps_a_second"] else "-",
        "?" if left is None else duration(left) if left else "-",
    ]


def _summary(seen: Overview) -> list[Text]:
    """How many are in which state, what was spent, what is left, and why some failed."""
    sums = seen.totals
    states = ", ".join(f"{count} {state}" for state, count in sums.states.items())
    unknown = f", and what {sums.unknown} runs of an unknown speed take" if sums.unknown else ""
    # An hour of one GPU is an hour; of a processor as well, whatever else it does meanwhile.
    left = f"at most {sums.hours_left:.2f} {sums.unit} left{unknown}" if sums.hours_left or unknown else "nothing left"
    lines = [f"{states}; {sums.hours_spent:.2f} {sums.unit} spent, {left}."]
    lost: dict[tuple[str, str], list[str]] = {}
    for run in seen.runs:
        if run.state in ("failed", "damaged"):
            lost.setdefault((run.state, run.error), []).append(run.folder.name)
    for (state, error), names in lost.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        lines.append(f"{', '.join(names[:3])}{more} {state}: {error}")
    if any(run.kind == "PretrainConfig" for run in seen.runs):
        said = "the share of predictable tokens that are predicted"
        lines.append(f"Accuracy of a pretraining: {said}. Its weights are in the folder of the run, in checkpoint.")
    if "failed" in sums.states:
        lines.append("probe retry runs those that failed again.")
    return [Text(line) for line in lines]


def _comparison(rows: Sequence[Row]) -> list[str]:
    """Which family learns first, and what the models do not match in, where both families of a pair are there."""
    probes = [row for row in rows if "query" in row]
    if not {row["family"] for row in probes} >= set(FAMILIES):
        return []
    # pandas takes a while to import: here, where there is something to compare.
    import pandas as pd

    from probe.first import unequal_facts, who_is_first

    runs = pd.DataFrame(probes)
    return [*who_is_first(runs), *unequal_facts(runs)]
