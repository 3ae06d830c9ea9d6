"""What is known of the runs below a folder, from the small files of their directories: as a table, again and again, or
for a script. It reads no curves and imports no torch, so that thousands of runs take a second or two.

What every run has (state, step, speed, time left, owner, accuracy, error) is told here; what else a wing knows of its
runs, it says in `Words`.
"""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from training.config import require
from training.progress import STATES, Progress, Totals, progress_of, seconds_left, totals
from training.run import run_folders

WIDTH_OF_A_FILE = 170
"""Columns of a table that is written to a file or a pipe, where there is no terminal to ask."""

WATCHED = 2.0
"""Seconds between two looks."""

Row = dict[str, Any]


Columns = Mapping[str, Callable[[Row], str]]
"""Columns of a table: what each is called, and what it says of a row."""


@dataclasses.dataclass(frozen=True)
class Overview:
    """The runs of a folder."""

    runs: list[Progress]
    rows: list[Row]
    """Of each run: its folder and kind, what the wing's `describe` gives, and its progress."""
    totals: Totals


def _nothing(_: object) -> list[str]:
    return []


@dataclasses.dataclass(frozen=True, kw_only=True)
class Words:
    """What a wing says of its runs, beyond what every run has."""

    command: str
    """The name of its program: `probe`."""
    describe: Callable[[Sequence[Progress]], list[Row]]
    """Entries of each run's row, as JSON holds them: of all runs together, since what is worth saying of one may depend
    on the others."""
    settings: Columns = dataclasses.field(default_factory=dict)
    """Columns to the left of the state."""
    results: Columns = dataclasses.field(default_factory=dict)
    """Columns to the right of the accuracy."""
    order: Sequence[str] = ("run",)
    """Entries that the lines of a table are sorted by."""
    remarks: Callable[[Overview], list[str]] = _nothing
    """Lines beneath the totals."""
    comparison: Callable[[Sequence[Row]], list[str]] = _nothing
    """Lines beneath these, where the table is not watched: what the runs say of each other."""


def overview(folders: Sequence[Path], words: Words) -> Overview:
    """Reads these directories of runs."""
    runs = sorted((progress_of(folder) for folder in folders), key=lambda run: STATES.index(run.state))
    left = seconds_left(runs)
    rows = [_row(*known) for known in zip(runs, words.describe(runs), left, strict=True)]
    return Overview(runs, rows, totals(runs, left))


def show_status(out: Path, words: Words, *, watch: bool, as_json: bool) -> None:
    """What `status` of a wing says: once, or again and again until Ctrl-C and then once.

    Raises:
        ConfigError: there are no runs, or both ways are asked for.
    """
    require(not (watch and as_json), "--watch is for people and --json for scripts: leave one of them out.")
    if watch:
        watch_status(out, words)
    (print_json if as_json else print_status)(out, words)


def print_status(out: Path, words: Words) -> None:
    """Every run below a folder.

    Raises:
        ConfigError: there are none.
    """
    print_rows(require_runs(out, words.command), words)


def print_rows(folders: Sequence[Path], words: Words) -> None:
    """One line for each of these runs, what they sum up to, and what they say of each other."""
    seen, out = overview(folders, words), console()
    _print_table(out, seen.rows, words)
    for line in (*_summary(seen, words), *words.comparison(seen.rows)):
        out.print(line, soft_wrap=True)


def print_json(out: Path, words: Words) -> None:
    """The same for a script: {"runs": [a row each], "totals": {...}}."""
    seen = overview(require_runs(out, words.command), words)
    print(json.dumps({"runs": seen.rows, "totals": dataclasses.asdict(seen.totals)}, indent=1))


def watch_status(out: Path, words: Words) -> None:
    """Shows what is not finished, and the totals, until Ctrl-C or until nothing is left to wait for."""
    require_runs(out, words.command)
    with contextlib.suppress(KeyboardInterrupt), Live(console=console(), auto_refresh=False) as live:
        while True:
            seen = overview(require_runs(out, words.command), words)
            room = max(5, live.console.height - 12)
            table = _table([row for row in seen.rows if row["state"] != "finished"][:room], words)
            live.update(Group(table, *_summary(seen, words)), refresh=True)
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


def require_runs(out: Path, command: str) -> list[Path]:
    """The directories of the runs below a folder. Raises ConfigError where there are none."""
    folders = run_folders(out)
    require(bool(folders), f"{out} holds no runs: name the folder that {command} train or {command} sweep wrote to.")
    return folders


def _row(run: Progress, described: Row, left: float | None) -> Row:
    """A run in the words of a table."""
    return {
        "run": run.folder.name,
        "kind": run.kind,
        **described,
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


def _columns(words: Words) -> Columns:
    """All columns of a table, in their order."""
    return {
        "run": lambda row: row["run"],
        **words.settings,
        "state": lambda row: row["state"] + (f" ({row['owner']})" if row["owner"] else ""),
        "step": lambda row: f"{row['step']:,} of {row['planned_steps']:,}",
        "accuracy": lambda row: "-" if row["accuracy"] is None else f"{row['accuracy']:.1%}",
        **words.results,
        "steps/s": lambda row: f"{row['steps_a_second']:.3g}" if row["steps_a_second"] else "-",
        "left": _left,
    }


def _left(row: Row) -> str:
    left = row["seconds_left"]
    return "?" if left is None else duration(left) if left else "-"


def _table(rows: Sequence[Row], words: Words) -> Table:
    """A line a run, for the screen."""
    columns = _columns(words)
    table = Table(*columns)
    for column in table.columns:
        column.overflow = "fold"  # a name that is cut names nothing
    for row in rows:
        table.add_row(*(cell(row) for cell in columns.values()))
    return table


def _print_table(out: Console, rows: Sequence[Row], words: Words) -> None:
    """The table; of a great many runs as plain lines, which take no time to lay out."""
    rows = sorted(rows, key=lambda row: tuple(str(row.get(name, "")).rjust(12) for name in words.order))
    if len(rows) <= 300:
        out.print(_table(rows, words))
        return
    columns = _columns(words).values()
    for row in rows:
        print("  ".join(cell(row).ljust(14) for cell in columns).rstrip())


def _summary(seen: Overview, words: Words) -> list[Text]:
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
    return [Text(line) for line in (*lines, *words.remarks(seen))]
