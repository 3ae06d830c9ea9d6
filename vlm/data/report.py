"""What a person is told of prepared samples: what is in them, what was left out and why, and how that compares with the
paper's counts (appendix A, Tables 4 and 5)."""

from collections.abc import Iterable, Mapping

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from vlm.data.check import Checked
from vlm.data.manifest import Counts, Manifest
from vlm.data.mixtures import BENCHMARKS, MIXTURES
from vlm.data.registry import DATA_SETS
from vlm.sample import TASKS

PAPER: dict[str, tuple[int, ...]] = {
    "captioning": (588_000,),
    "chat": (157_000,),
    "dense_captioning": (467_000,),
    "grounded_captioning": (4_200_000,),
    "image_text_match": (8_000,),
    "multiple_choice_vqa": (127_000,),
    "vqa": (352_000,),
    "visual_grounding": (467_000,),
}
"""Packed training samples of `instruct`. Its Table 5 has 44K + 68K + 255K of multiple choice, which is not 127K."""

NAMED = 3
"""Examples that are printed for each reason; the manifest has more."""


def print_report(manifest: Manifest, console: Console | None = None) -> None:
    """Samples by data set and by task, what was left out, and the count of broken records last."""
    console = console or Console()
    _print_sets({name: facts.splits for name, facts in manifest.sets.items()}, console)
    _print_tasks(manifest, console)
    _print_left_out({name: facts.splits for name, facts in manifest.sets.items()}, console)
    for sentence in manifest.unchecked:
        console.print(f"Not checked for contamination: {escape(sentence)}")
    totals = (f"{its.samples:,} {split}" for split, its in manifest.splits.items())
    console.print(f"Samples: {', '.join(totals)}.")
    _print_skipped((counts for facts in manifest.sets.values() for counts in facts.splits.values()), console)


def print_check(found: Checked, console: Console | None = None) -> int:
    """What a look found; gives the exit code: 1 where something is broken or missing."""
    console = console or Console()
    sets = {name: facts.splits for name, facts in found.sets.items()}
    _print_sets(sets, console)
    _print_left_out(sets, console)
    for name, sentence in found.wrong.items():
        console.print(f"[bold]{escape(name)}[/bold] cannot be read: {escape(sentence)}", soft_wrap=True)
    for sentence in found.unchecked:
        console.print(f"Not checked for contamination: {escape(sentence)}", soft_wrap=True)
    _print_skipped((counts for splits in sets.values() for counts in splits.values()), console)
    return 0 if found.is_sound else 1


def _print_sets(sets: Mapping[str, Mapping[str, Counts]], console: Console) -> None:
    """A line for each data set and split."""
    numbers = ("records", "samples", "kept", "dropped", "skipped")
    table = Table("data set", "split", *(Column(name, justify="right") for name in numbers), box=SIMPLE, padding=0)
    for name, splits in sets.items():
        for split, its in splits.items():
            dropped = sum(its.dropped.values())
            table.add_row(name, split, *(f"{n:,}" for n in (its.read, its.samples, its.kept, dropped, its.skipped)))
    console.print(table)


def _print_tasks(manifest: Manifest, console: Console) -> None:
    """Samples of each task; beside the paper's where this is its mixture."""
    is_paper = manifest.plan["mixture"] == "instruct" and "train" in manifest.splits
    columns = [Column(split, justify="right") for split in manifest.splits]
    if is_paper:
        columns.append(Column("the paper's train", justify="right"))
    table = Table("task", *columns, box=SIMPLE, padding=0)
    for task in TASKS:
        found = [its.tasks.get(task, 0) for its in manifest.splits.values()]
        paper = PAPER.get(task, ())
        if any(found) or (is_paper and paper):
            table.add_row(task, *(f"{n:,}" for n in found), *((f"{n:,}" for n in paper) if is_paper else ()))
    console.print(table)


def _print_left_out(sets: Mapping[str, Mapping[str, Counts]], console: Console) -> None:
    """What was dropped, skipped and mended, with examples."""
    for name, splits in sets.items():
        for split, its in splits.items():
            if not its.dropped and not its.changed and not its.skipped:
                continue
            console.print(f"[bold]{escape(name)}, {split}[/bold]")
            skipped = {"skipped": its.skipped} if its.skipped else {}
            for reason, count in {**its.changed, **its.dropped, **skipped}.items():
                console.print(f"  {count:,} {escape(reason)}")
                for example in its.named.get(reason, ())[:NAMED]:
                    console.print(f"      {escape(example)}", style="dim", soft_wrap=True)


def _print_skipped(counts: Iterable[Counts], console: Console) -> None:
    """The last line: how many records are broken."""
    all_of_them = list(counts)
    skipped, read = sum(one.skipped for one in all_of_them), sum(one.read for one in all_of_them)
    console.print(f"{skipped:,} of {read:,} records were broken and skipped.")


def print_data_sets() -> None:
    """All data sets and mixtures."""
    table = Table("name", "data set", "folder", "splits", "tasks", "licence", box=SIMPLE, padding=0)
    for one in DATA_SETS.values():
        table.add_row(one.name, one.title, one.folder, ", ".join(one.splits), ", ".join(one.tasks), one.licence)
    console = Console()
    console.print(table)
    for name, sets in MIXTURES.items():
        console.print(f"{name}: {', '.join(sets)}")
    console.print(f"benchmarks: {', '.join(f'{name} ({split})' for name, split in BENCHMARKS)}")
