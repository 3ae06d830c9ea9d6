"""What a person is told of data sets: what is in the samples that were prepared, what was left out and why, and how
that compares with the paper's counts (appendix A, Tables 4 and 5)."""

import inspect
from collections.abc import Mapping

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from vlm.data.check import Checked
from vlm.data.manifest import Counts, Manifest
from vlm.data.mixtures import BENCHMARKS, MIXTURES, NAMES, entries_of
from vlm.data.picture_check import REASONS
from vlm.data.registry import DATA_SETS, data_set_named
from vlm.sample import TASKS, Task

PAPER: dict[tuple[Task, ...], int] = {
    ("captioning",): 588_000,
    ("chat",): 157_000,
    ("dense_captioning",): 467_000,
    ("grounded_captioning",): 4_200_000,
    ("image_text_match",): 8_000,
    ("multiple_choice_vqa", "grounded_multiple_choice_vqa"): 127_000,
    ("vqa",): 352_000,
    ("visual_grounding",): 467_000,
}
"""Packed training samples of `instruct`."""

WHY_NOT_THE_SAME = """
Why whole data sets need not give the paper's counts: what is in test sets is taken out; the paper's code has RefCOCO
twice as grounding and never as dense captioning; the 44K, 68K and 255K of multiple choice in its Table 5 are not the
127K of its Table 4; it does not say whether a picture of TextCaps counts once or once a caption.
""".strip()

NAMED = 3
"""Examples that are printed for each reason; the manifest has more."""

Sets = Mapping[str, Mapping[str, Counts]]


def print_report(manifest: Manifest) -> None:
    """Samples by data set and by task, what was left out, and the count of broken records last."""
    sets: Sets = {name: facts.splits for name, facts in manifest.sets.items()}
    _print_sets(sets)
    _print_tasks(manifest)
    _print_left_out(sets)
    for sentence in manifest.unchecked:
        print(f"Not checked for contamination: {sentence}")
    print(f"Samples: {', '.join(f'{its.samples:,} {split}' for split, its in manifest.splits.items())}.")
    _print_pictures(sets)
    _print_skipped(sets)


def print_check(found: Checked) -> int:
    """What a look found; gives the exit code: 1 where something is broken or missing."""
    sets: Sets = {name: facts.splits for name, facts in found.sets.items()}
    _print_sets(sets)
    _print_left_out(sets)
    for name, sentence in found.wrong.items():
        print(f"{name} cannot be read: {sentence}")
    for sentence in found.unchecked:
        print(f"Not checked for contamination: {sentence}")
    _print_pictures(sets)
    _print_skipped(sets)
    return 0 if found.is_sound else 1


def print_data_sets(name: str | None = None) -> None:
    """All data sets and mixtures; those of one mixture; or of one data set the files that it is read from.

    Raises:
        ConfigError: there is none of this name.
    """
    if name is not None and name not in NAMES:
        read = data_set_named(name).read
        print(inspect.getdoc(inspect.getmodule(getattr(read, "func", read))))
        return
    names = [entry.data_set for entry in entries_of(name, weights={}, caps={})] if name else [*DATA_SETS]
    for one in (data_set_named(its) for its in dict.fromkeys(names)):
        print(f"{one.name}: {one.title}, in {one.folder}/; {', '.join(one.tasks)}; {', '.join(one.splits)}")
        print(f"    {one.licence}")
    if name is None:
        print()
        for mixture, sets in MIXTURES.items():
            print(f"{mixture} = {', '.join(sets)}")
        print(f"benchmarks = {', '.join(f'{its} ({split})' for its, split in BENCHMARKS)}")


def _print_sets(sets: Sets) -> None:
    """A line for each data set and split."""
    numbers = ("records", "samples", "kept", "dropped", "skipped")
    table = Table("data set", "split", *(Column(name, justify="right") for name in numbers), box=SIMPLE, padding=0)
    for name, splits in sets.items():
        for split, its in splits.items():
            counts = (its.read, its.samples, its.kept, sum(its.dropped.values()), its.skipped)
            table.add_row(name, split, *(f"{count:,}" for count in counts))
    Console().print(table)


def _print_tasks(manifest: Manifest) -> None:
    """Samples of each task; beside the paper's where this is its mixture."""
    table = Table("task", *(Column(split, justify="right") for split in manifest.splits), box=SIMPLE, padding=0)
    for task in TASKS:
        counts = [its.tasks.get(task, 0) for its in manifest.splits.values()]
        if any(counts):
            table.add_row(task, *(f"{count:,}" for count in counts))
    Console().print(table)
    if manifest.plan["mixture"] != "instruct" or "train" not in manifest.splits:
        return
    found = manifest.splits["train"].tasks
    columns = [Column(name, justify="right") for name in ("these", "the paper's")]
    table = Table("train", *columns, box=SIMPLE, padding=0)
    for tasks, count in PAPER.items():
        table.add_row(" + ".join(tasks), f"{sum(found.get(task, 0) for task in tasks):,}", f"{count:,}")
    table.add_row("all", f"{sum(found.values()):,}", "6.2M")
    Console().print(table)
    print(WHY_NOT_THE_SAME)


def _print_left_out(sets: Sets) -> None:
    """What was mended, dropped and skipped, with examples."""
    for name, splits in sets.items():
        for split, its in splits.items():
            skipped = {"skipped": its.skipped} if its.skipped else {}
            reasons = {**its.changed, **its.dropped, **skipped}
            if reasons:
                print(f"{name}, {split}")
            for reason, count in reasons.items():
                print(f"    {count:,} {reason}")
                for example in its.named.get(reason, ())[:NAMED]:
                    print(f"        {example}")


def _print_pictures(sets: Sets) -> None:
    """How much is lost for want of pictures, by data set: a folder that is half unpacked is easily overlooked."""
    for name, splits in sets.items():
        for split, its in splits.items():
            lost = sum(its.dropped.get(reason, 0) for reason in REASONS.values())
            if lost:
                share = lost / (lost + its.samples)
                print(f"{name}, {split}: {lost:,} times ({share:.0%}) the picture is missing or broken.")


def _print_skipped(sets: Sets) -> None:
    """How many records are broken."""
    counts = [its for splits in sets.values() for its in splits.values()]
    skipped, read = sum(its.skipped for its in counts), sum(its.read for its in counts)
    print(f"{skipped:,} of {read:,} records were broken and skipped.")
