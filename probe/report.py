"""What the CLI prints: tables of runs, examples with their loss mask, the plan of a sweep, the machine."""

from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import cast

import pandas as pd
import torch
from rich.console import Console
from rich.table import Table

from backbones.pairs import FAMILIES
from backbones.scan import scan_paths
from probe.config import ProbeConfig
from probe.curves import FACTS, is_pretraining, load_runs
from probe.estimate import Estimator
from probe.evaluate import accuracy_of
from probe.first import first_to_learn
from probe.pretrain import PretrainConfig, sequences_digest
from probe.task import FREE_IDS, Split
from probe.trainer import UNSCORED, describe, with_targets
from training.run import Run, read_config, read_curve, read_ran_with, read_state, run_folders
from training.session import is_main_process, versions

WIDTH_OF_A_FILE = 160
"""Columns of a table that is written to a file or a pipe, where there is no terminal to ask."""


def console() -> Console:
    """Where tables go: nowhere, in all but the first of several processes."""
    out = Console(highlight=False)
    width = None if out.is_terminal else WIDTH_OF_A_FILE
    return Console(highlight=False, width=width, quiet=not is_main_process())


def print_runs(runs: pd.DataFrame) -> None:
    """One line a run: where it is, and when it reached its threshold."""
    table = Table("run", "model", "order", "length", "lr", "seeds w/i/d", "state", "step", "accuracy", "learned at")
    for column in table.columns:
        column.overflow = "fold"  # a name that is cut names nothing
    for row in runs.sort_values(["model", "variant", "order", "length", "learning_rate", "run"]).itertuples():
        reached = row.steps_to_threshold
        table.add_row(
            row.run,
            _short(row.model) + (f", {row.variant}" if row.variant else ""),
            row.order if row.supervision == "answer" else f"{row.order} ({row.supervision})",
            str(row.length),
            f"{row.learning_rate:g}",
            f"{row.weight_seed}/{row.init_seed}/{row.data_seed}",
            row.state,
            f"{row.step:,} of {row.planned_steps:,}",
            "-" if pd.isna(row.accuracy) else f"{row.accuracy:.1%}",
            f"{reached:,.0f}" if pd.notna(reached) else (f"not by {row.step:,}" if row.step else "-"),
        )
    out = console()
    out.print(table)
    states = runs["state"].value_counts()
    seconds = duration(runs["seconds"].sum())
    out.print(", ".join(f"{count} {state}" for state, count in states.items()) + f"; {seconds} spent in them.")
    for line in (*who_is_first(runs), *unequal_facts(runs)):
        out.print(line)


def who_is_first(runs: pd.DataFrame) -> list[str]:
    """A line for each pair, kind of query and length: the share of matched runs in which pythia learns first."""
    lines = []
    for row in first_to_learn(runs).itertuples():
        decided = row.pythia + row.mamba
        what = f"{row.pair}, {row.variant + ', ' if row.variant else ''}{row.query}, length {row.length}"
        lines.append(
            f"First to learn, pair {what}: pythia in {row.pythia} of {decided} (95% interval {row.low:.0%} to "
            f"{row.high:.0%}), mamba in {row.mamba}; {row.matched - decided} undecided."
        )
    return lines


def unequal_facts(runs: pd.DataFrame) -> list[str]:
    """What a matched pair does not match in: a line for each pair and length, where both families have run."""
    lines = []
    for (pair, variant, length), some in runs.dropna(subset=["parameters"]).groupby(["pair", "variant", "length"]):
        facts = some.groupby("family")[FACTS].first()
        if not set(FAMILIES) <= set(facts.index):
            continue
        pythia, mamba = (facts.loc[family] for family in FAMILIES)
        unequal = [
            f"{fact.replace('_', ' ')} {_fact(pythia[fact])} and {_fact(mamba[fact])}"
            for fact in FACTS
            if facts[fact].notna().all() and pythia[fact] != mamba[fact]
        ]
        difference = mamba["parameters"] / pythia["parameters"] - 1
        lines.append(
            f"Not equal in pair {pair}, {variant + ', ' if variant else ''}length {length} ({' and '.join(FAMILIES)}): "
            f"{'; '.join(unequal) or 'nothing'} (mamba has {difference:+.1%} parameters)."
        )
    return lines


def print_samples(config: ProbeConfig, split: str, examples: int) -> None:
    """Examples in the paper's notation: what the model reads, and under it what it has to say next at each token that
    carries the loss (`.` where nothing is asked)."""
    task = config.task
    batch = task.examples(cast(Split, split), torch.arange(examples))
    tokens, targets = with_targets(task, batch, config.supervision, config.score_end)
    rows = zip(tokens.tolist(), targets.tolist(), batch.positions.tolist(), strict=True)
    for number, (read, asked, position) in enumerate(rows):
        # Targets belong to the last tokens that are read; the rest of the row asks for nothing.
        said = [UNSCORED] * (len(read) - len(asked)) + asked
        pairs = [
            (task.token_name(t), "." if s == UNSCORED else task.token_name(s)) for t, s in zip(read, said, strict=True)
        ]
        widths = [max(len(above), len(below)) for above, below in pairs]
        print(f"{split} {number}: the target stands at position {position}, the answer is id {position + FREE_IDS}")
        print("  reads  " + " ".join(above.ljust(width) for (above, _), width in zip(pairs, widths, strict=True)))
        print("  loss   " + " ".join(below.ljust(width) for (_, below), width in zip(pairs, widths, strict=True)))
    print(
        f"Ids from scratch: answers {FREE_IDS} to {task.length + FREE_IDS - 1}, special tokens {task.first_special} to "
        f"{task.out_token - 1}, <out> {task.out_token}; behind a pretrained vocabulary of V rows they begin at V."
    )


def print_plan(configs: Sequence[ProbeConfig], runs: Sequence[Run], workers: int) -> None:
    """The runs of a sweep, and how long those that are not finished take at the most. Workers divide the machine: they
    are taken to be no faster together than one that has all of it, which is what they are at the least."""
    estimator = Estimator()
    total, measured = 0.0, True
    table = Table("run", "what", "lr", "seeds w/i/d", "steps", "state", "at most")
    for config, run in zip(configs, runs, strict=True):
        left = 0.0
        if run.state != "finished":
            estimate = estimator(config)
            left = estimate.seconds(config)
            measured = measured and estimate.measured
        total += left
        table.add_row(
            run.folder.name,
            _short(describe(config)),
            f"{config.optimisation.learning_rate:g}",
            f"{config.model.weight_seed}/{config.model.init_seed}/{config.task.seed}",
            f"{config.optimisation.steps:,}",
            run.state or "new",
            duration(left),
        )
    out = console()
    out.print(table)
    how = (
        "from steps taken on this machine"
        if measured
        else "pretrained models by counting their arithmetic, which is rough"
    )
    together = f"{workers} at a time" if workers > 1 else "one after the other"
    out.print(f"{len(configs)} runs {together}, at most {duration(total)} ({how}). Nothing was written.")


def print_pretrained(folders: Sequence[Path]) -> None:
    """What each model of a pretraining has learned, and where it is."""
    table = Table("run", "model", "parameters", "state", "step", "tokens", "loss", "predicted")
    for folder in folders:
        config, last = read_config(folder), next(reversed(read_curve(folder)), None)
        optimisation, step = config["optimisation"], last["step"] if last else 0
        table.add_row(
            folder.name,
            config["name"],
            _fact(read_ran_with(folder).get("model", {}).get("parameters", "-")),
            read_state(folder),
            f"{step:,} of {optimisation['steps']:,}",
            f"{step * optimisation['batch'] * config['corpus']['length']:,}",
            f"{last['held_out_loss']:.3f}" if last else "-",
            f"{accuracy_of(last):.1%}" if last else "-",
        )
    out = console()
    out.print(table)
    out.print("predicted: the share of predictable tokens that are. The weights are in a run's folder, in checkpoint.")


def print_sequences(configs: Sequence[PretrainConfig]) -> None:
    """Which sequences each model has read: the same for both of a pair."""
    for config in configs:
        console().print(f"{config.name} reads sequences with SHA-256 {sequences_digest(config)}.")


def print_status(out: Path) -> None:
    """Every run below a folder: of the probe, and of pretraining.

    Raises:
        ConfigError: there are none, or one cannot be read.
    """
    pretrainings = [folder for folder in run_folders(out) if is_pretraining(folder)]
    if pretrainings:
        print_pretrained(pretrainings)
    if len(pretrainings) < len(run_folders(out)) or not pretrainings:
        print_runs(load_runs(out)[0])


def print_doctor() -> None:
    """Versions, devices, and the path that the scan takes on each."""
    out = console()
    installed = Table("package", "version")
    for package, version in versions().items():
        installed.add_row(package, version or "not installed")
    out.print(installed)
    count = torch.cuda.device_count()
    out.print(f"cpu: {torch.get_num_threads()} threads of torch")
    for index in range(count):
        properties = torch.cuda.get_device_properties(index)
        out.print(f"cuda:{index}: {properties.name}, {properties.total_memory / 2**30:.0f} GiB")
    if not count:
        out.print("No GPU that torch can use: runs take the CPU.")
    kernels = Table("device", "Mamba's scan", "why")
    for path in scan_paths():
        kernels.add_row(path.device, path.path, path.reason)
    out.print(kernels)


def duration(seconds: float) -> str:
    """Seconds in words: `40 s`, `12 min`, `3.5 h`, `2.1 days`."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _fact(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, Real) and not isinstance(value, bool) else str(value)


def _short(model: str) -> str:
    """A name that fits a table: the last two parts of a path."""
    return "/".join(model.split("/")[-2:])
