"""The command `probe`. Nothing heavy is imported until a command needs it: `probe --help` answers at once.

What a person can get wrong ends here in one sentence on stderr and exit code 2. An interrupted run is saved and ends
with 130, as the shell has it for Ctrl-C.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from backbones.pairs import FAMILIES, PRETRAINED, SCRATCH, ModelError, name_of, shape_of
from training.config import ConfigError, Optimisation

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Does a model find a token in its context and say where it stood? Transformers and Mamba, side by side.",
    epilog="Start with `probe sample`, then `probe sweep experiments/quick.py --out runs/quick`.",
)

PAIRS = ", ".join([*SCRATCH, *PRETRAINED])
DEFAULT = Optimisation()
SCRATCH_LEARNING_RATE, PRETRAINED_LEARNING_RATE = 1e-3, 5e-5

Length = Annotated[int, typer.Option(help="Special tokens in the context, 4 to 10,000.")]
Order = Annotated[str, typer.Option(help="suffix (query after the context) or prefix (before it).")]
Pool = Annotated[int | None, typer.Option(help="Special tokens that exist; as many as the length unless given.")]
DataSeed = Annotated[int, typer.Option(help="Seed of the data.")]
SupervisionOption = Annotated[
    str, typer.Option(help="answer (at the last position alone) or, in the prefix order, from-target on.")
]
ScoreEnd = Annotated[bool, typer.Option("--score-end", help="Score an end token after the answer as well.")]
Runs = Annotated[Path, typer.Argument(help="Folder that holds runs.", metavar="DIR")]
Tracker = Annotated[str | None, typer.Option(help="Log to tensorboard, wandb or trackio as well.")]
Checkpoints = Annotated[float, typer.Option(help="Minutes between checkpoints.", min=0.0)]
KeepWeights = Annotated[bool, typer.Option(help="Keep the trained weights of a finished run.")]


@app.command(
    epilog="`probe train --family mamba --length 16` from scratch on a laptop · "
    "`probe train --family mamba --pair 1.4b --length 200 --precision bf16` the paper's protocol on a GPU · "
    "`accelerate launch -m probe train ...` on several"
)
def train(
    family: Annotated[str | None, typer.Option(help=f"{' or '.join(FAMILIES)}; mamba unless given.")] = None,
    pair: Annotated[str | None, typer.Option(help=f"Size of the model: {PAIRS}; tiny unless given.")] = None,
    pretrained: Annotated[
        str | None, typer.Option(help="A hub name or a folder to start from, instead of family and pair.")
    ] = None,
    length: Length = 16,
    order: Order = "suffix",
    pool: Pool = None,
    out: Annotated[Path, typer.Option(help="Folder for the run, which gets a folder of its own in it.")] = Path("runs"),
    steps: Annotated[int, typer.Option(help="Planned training steps.")] = DEFAULT.steps,
    batch: Annotated[int, typer.Option(help="Examples in a step, over all processes.")] = DEFAULT.batch,
    micro_batch: Annotated[int | None, typer.Option(help="Most examples that a process takes at once.")] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help=f"{SCRATCH_LEARNING_RATE} from scratch, {PRETRAINED_LEARNING_RATE} if pretrained."),
    ] = None,
    schedule: Annotated[str, typer.Option(help="After warm-up: cosine or constant.")] = DEFAULT.schedule,
    warmup: Annotated[float, typer.Option(help="Share of the steps with a rising learning rate.")] = DEFAULT.warmup,
    weight_decay: Annotated[float, typer.Option(help="AdamW's weight decay.")] = DEFAULT.weight_decay,
    clip: Annotated[float, typer.Option(help="Largest norm of the gradient.")] = DEFAULT.clip,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 autocast over fp32 weights.")] = DEFAULT.precision,
    evaluations: Annotated[int, typer.Option(help="Evaluations over the planned steps.")] = DEFAULT.evaluations,
    train_examples: Annotated[int, typer.Option(help="Training examples before they begin again.")] = 1_000_000,
    held_out_examples: Annotated[int, typer.Option(help="Examples of every evaluation.")] = 100_000,
    threshold: Annotated[float, typer.Option(help="Held-out accuracy at which the task counts as learned.")] = 0.95,
    stop_at_threshold: Annotated[bool, typer.Option(help="End training there.")] = True,
    supervision: SupervisionOption = "answer",
    score_end: ScoreEnd = False,
    new_rows: Annotated[str, typer.Option(help="Rows of special tokens: matched to the old ones, or normal.")] = (
        "matched"
    ),
    weight_seed: Annotated[int, typer.Option(help="Seed of a model made from scratch.")] = 0,
    init_seed: Annotated[int, typer.Option(help="Seed of the special tokens' rows.")] = 0,
    data_seed: DataSeed = 0,
    tracker: Tracker = None,
    checkpoint_minutes: Checkpoints = 10.0,
    keep_weights: KeepWeights = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the run and an estimate of its time.")] = False,
) -> None:
    """Train one model on the task, judging every position as it learns.

    The same settings again do nothing if the run is finished, and go on where it stopped if it is not.
    """
    name = model_name(family, pair, pretrained)
    default_rate = PRETRAINED_LEARNING_RATE if shape_of(name) is None else SCRATCH_LEARNING_RATE
    optimisation: dict[str, Any] = {
        "steps": steps,
        "batch": batch,
        "micro_batch": micro_batch,
        "learning_rate": default_rate if learning_rate is None else learning_rate,
        "schedule": schedule,
        "warmup": warmup,
        "weight_decay": weight_decay,
        "clip": clip,
        "precision": precision,
        "evaluations": evaluations,
    }
    checked = Optimisation(**optimisation)
    model: dict[str, Any] = {
        "name": name,
        "weight_seed": weight_seed,
        "init_seed": init_seed,
        "new_rows": new_rows,
    }
    task: Any = {"length": length, "order": order, "pool": pool, "seed": data_seed}
    asked: Any = supervision

    from probe.config import Model, ProbeConfig
    from probe.task import RetrievalTask

    config = ProbeConfig(
        task=RetrievalTask(**task),
        model=Model(**model),
        optimisation=checked,
        train_examples=train_examples,
        held_out_examples=held_out_examples,
        threshold=threshold,
        stop_at_threshold=stop_at_threshold,
        supervision=asked,
        score_end=score_end,
    )
    _run([config], out, dry_run, tracker, checkpoint_minutes, keep_weights)


@app.command(
    epilog="`probe sweep experiments/quick.py --out runs/quick --workers 2` · "
    "`probe sweep experiments/figure6_sample_efficiency.py --out runs/figure6 --dry-run`"
)
def sweep(
    file: Annotated[Path, typer.Argument(help="An experiment: a Python file with runs().", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Folder for the runs.")],
    workers: Annotated[int, typer.Option(help="Runs at a time, which divide the processor's threads.", min=1)] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the runs and an estimate of the time.")] = False,
    tracker: Tracker = None,
    checkpoint_minutes: Checkpoints = 10.0,
    keep_weights: KeepWeights = True,
) -> None:
    """Run every run of an experiment that is not finished; one that fails does not stop the rest."""
    from probe.config import ProbeConfig
    from training.sweep import read_experiment

    _run(read_experiment(file, ProbeConfig), out, dry_run, tracker, checkpoint_minutes, keep_weights, workers)


@app.command(epilog="`probe status runs/quick`")
def status(folder: Runs) -> None:
    """Show each run: its state, how far it is, and when it reached the threshold."""
    from probe.curves import load_runs
    from probe.report import print_runs

    print_runs(load_runs(folder)[0])


@app.command(epilog="`probe plot runs/quick --out figures/quick`")
def plot(
    folder: Runs,
    out: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("figures"),
    steps: Annotated[
        str | None,
        typer.Option(help="Steps of the position lines, such as 500,1000; those of 25, 50, 75, 95 % if left out."),
    ] = None,
) -> None:
    """Draw the figures of the runs below DIR: each as PNG and PDF, with a CSV of what is drawn."""
    from probe.figures import draw_all

    for path in draw_all(folder, out, parse_steps(steps)):
        print(path)


@app.command(epilog="`probe sample --length 8 --order prefix` · `probe sample --score-end`")
def sample(
    length: Length = 8,
    order: Order = "suffix",
    pool: Pool = None,
    split: Annotated[str, typer.Option(help="train or held-out.")] = "train",
    examples: Annotated[int, typer.Option(help="How many.", min=1)] = 4,
    data_seed: DataSeed = 0,
    supervision: SupervisionOption = "answer",
    score_end: ScoreEnd = False,
) -> None:
    """Print examples as the model reads them, with the tokens that carry the loss."""
    from probe.config import Model, ProbeConfig
    from probe.report import print_samples
    from probe.task import RetrievalTask

    task: Any = {"length": length, "order": order, "pool": pool, "seed": data_seed}
    asked: Any = supervision
    config = ProbeConfig(
        task=RetrievalTask(**task), model=Model(name="tiny/mamba"), supervision=asked, score_end=score_end
    )
    print_samples(config, split, examples)


@app.command(epilog="`probe doctor`")
def doctor() -> None:
    """Say what this machine has: devices, versions, and which kernels run and why."""
    from probe.report import print_doctor

    print_doctor()


def main() -> None:
    """The command line, with one sentence for what a person got wrong."""
    # typer carries its own copy of click in newer versions: the class is the one it uses.
    usage_error: type[Exception] = typer.BadParameter.__mro__[1]
    try:
        code = app(standalone_mode=False)
    except (ConfigError, ModelError) as error:
        _stop(str(error), 2)
    except usage_error as error:
        message = error.format_message().rstrip(".")  # type: ignore[attr-defined]
        if not message:  # `probe` alone: the help has been printed
            sys.exit(2)
        _stop(f"{message}. Try `probe --help`.", 2)
    except (KeyboardInterrupt, typer.Abort):
        _stop("Interrupted.", 130)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def model_name(family: str | None, pair: str | None, pretrained: str | None) -> str:
    """What `backbones.load` takes: a pair and family; a hub name as it is; a folder by its whole path, which means the
    same from anywhere."""
    if pretrained is None:
        return name_of(pair or "tiny", family or "mamba")
    if family or pair:
        raise ConfigError("--pretrained names the whole model: leave --family and --pair out.")
    return str(Path(pretrained).resolve()) if Path(pretrained).is_dir() else pretrained


def parse_steps(text: str | None) -> list[int] | None:
    """The steps in a list such as 500,1000."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"steps must be whole numbers with commas between, not {text!r}.") from error


def _run(
    configs: list[Any],
    out: Path,
    dry_run: bool,
    tracker: str | None,
    checkpoint_minutes: float,
    keep_weights: bool,
    workers: int = 1,
) -> None:
    """Everything that can be wrong first; then the runs; then the table."""
    from probe.curves import read_runs
    from probe.report import print_plan, print_runs
    from probe.trainer import check_models, check_tracker, run_probe
    from training.loop import check_batch
    from training.run import Run
    from training.session import is_main_process, process_count
    from training.sweep import sweep as sweep_over

    check_tracker(tracker)
    runs = [Run(out, config) for config in configs]
    for config in configs:
        check_batch(config.optimisation, process_count())
    check_models(configs)
    if dry_run:
        print_plan(configs, runs, workers)
        return

    run_one = partial(
        run_probe, out=out, tracker=tracker, checkpoint_minutes=checkpoint_minutes, keep_weights=keep_weights
    )
    outcomes = sweep_over(configs, out, run_one, workers)
    if is_main_process():
        print_runs(read_runs([run.folder for run in runs])[0])
        for outcome in outcomes:
            if outcome.error:
                print(f"{outcome.run.folder}: {outcome.state}: {outcome.error}", file=sys.stderr)
    if any(outcome.state == "interrupted" for outcome in outcomes):
        _stop("Interrupted; the same command goes on from here.", 130)
    if any(outcome.state == "failed" for outcome in outcomes):
        sys.exit(1)


def _stop(sentence: str, code: int) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(code)
