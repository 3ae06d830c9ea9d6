"""What `vlm score` shows of predictions, and what it gives to scripts."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from vlm.evaluate.results import ALL, left_out, summarise
from vlm.evaluate.score import Scored
from vlm.evaluate.screen import INTERVAL, empty_table, numbers_of


def as_json(scored: Scored) -> dict[str, Any]:
    """All that `print_scores` prints, scores as shares."""
    columns = ["metric", "group", "kind", "n", "score", "low", "high", "parse_failures"]
    return {
        "benchmark": scored.benchmark.name,
        "tasks": scored.benchmark.tasks,
        "n": scored.n,
        "questions": scored.questions,
        "is_whole": scored.is_whole,
        "scores": summarise(scored.predictions)[columns].to_dict("records"),
        "left_out": left_out(scored.benchmark),
        "intervals_draw": _drawn(scored),
        "stated": dict(scored.stated),
    }


def print_scores(console: Console, scored: Scored) -> None:
    """A table of all scores times 100. What the benchmark is scored by has a row for each part as well."""
    scores = summarise(scored.predictions)
    of = "" if scored.is_whole else f" of {scored.questions:,}"
    console.print(f"{scored.benchmark.name}, n = {scored.n:,}{of}", highlight=False)
    table = empty_table(["metric", "of"], ["n", "score", INTERVAL, "unread"])
    for row in scores.to_dict("records"):
        if _is_all(row) or row["metric"] == scored.benchmark.metric.name:
            table.add_row(*_cells(row))
    console.print(table)
    notes = [f"Left out: {sentence}" for sentence in left_out(scored.benchmark)]
    if not scored.knows_pictures:
        notes.append("The file does not say which questions are about one picture: intervals draw questions.")
    notes += [f"The file itself states: {name} {number:g}" for name, number in scored.stated.items()]
    for note in notes:
        console.print(note, highlight=False, markup=False)


def _drawn(scored: Scored) -> str:
    return "pictures" if scored.knows_pictures else "questions"


def _is_all(row: Mapping[Any, Any]) -> bool:
    return bool(row["group"] == ALL and row["kind"] == ALL)


def _cells(row: Mapping[Any, Any]) -> list[str]:
    metric = row["metric"] if _is_all(row) else ""
    part = next((row[name] for name in ("group", "kind") if row[name] != ALL), ALL)
    return [metric, part, f"{row['n']:,}", *numbers_of(dict(row))]
