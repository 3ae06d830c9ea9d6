"""What the CLI prints beside the status of runs: examples with their loss mask, the plan of a sweep, the machine."""

from collections.abc import Sequence
from typing import cast

import torch
from rich.console import Console
from rich.table import Table

from backbones.scan import scan_paths
from probe.config import ProbeConfig
from probe.estimate import Estimator
from probe.pretrain import PretrainConfig, sequences_digest
from probe.settings import short
from probe.task import FREE_IDS, Split
from probe.trainer import UNSCORED, describe, with_targets
from training.run import Run
from training.session import is_main_process, versions
from training.status import console, duration


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
            short(describe(config)),
            f"{config.optimisation.learning_rate:g}",
            f"{config.model.weight_seed}/{config.model.init_seed}/{config.task.seed}",
            f"{config.optimisation.steps:,}",
            run.state or "new",
            duration(left),
        )
    out = _console()
    out.print(table)
    how = (
        "from steps taken on this machine"
        if measured
        else "pretrained models by counting their arithmetic, which is rough"
    )
    together = f"{workers} at a time" if workers > 1 else "one after the other"
    out.print(f"{len(configs)} runs {together}, at most {duration(total)} ({how}). Nothing was written.")


def print_sequences(configs: Sequence[PretrainConfig]) -> None:
    """Which sequences each model has read: the same for both of a pair."""
    for config in configs:
        tokens = config.optimisation.steps * config.optimisation.batch * config.corpus.length
        digest = sequences_digest(config)
        _console().print(f"{config.name} reads {tokens:,} tokens, in sequences with SHA-256 {digest}.")


def print_doctor() -> None:
    """Versions, devices, and the path that the scan takes on each."""
    out = _console()
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


def _console() -> Console:
    """Where tables go: nowhere, in all but the first of several processes."""
    return console(quiet=not is_main_process())
