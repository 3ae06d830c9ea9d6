"""`probe train` and `probe pretrain`: one run, or the two models of a pair, from options."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backbones.pairs import FAMILIES, PRETRAINED, SCRATCH, SHIPPED, name_of, pair_of, shape_of
from probe.commands.app import app
from probe.options import DataSeed, Length, Order, Pool, ScoreEnd, SupervisionOption, model_name
from training.config import Optimisation
from training.options import Checkpoints, EngineOptions, KeepWeights, Tracker, Workers

PAIRS = ", ".join([*SCRATCH, *PRETRAINED])
DEFAULT = Optimisation()
SCRATCH_LEARNING_RATE, PRETRAINED_LEARNING_RATE = 1e-3, 5e-5


@app.command(
    epilog="`probe train --family mamba --length 16` from scratch on a laptop · "
    "`probe train --family mamba --pair 1.4b --length 200 --precision bf16` the paper's protocol on a GPU · "
    "`accelerate launch -m probe train ...` on several"
)
def train(
    family: Annotated[str | None, typer.Option(help=f"{' or '.join(FAMILIES)}; mamba unless given.")] = None,
    pair: Annotated[str | None, typer.Option(help=f"Size of the model: {PAIRS}; tiny unless given.")] = None,
    pretrained: Annotated[
        str | None, typer.Option(help="Start from: a hub name, a folder, or tiny for the weights shipped with it.")
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
        typer.Option(help=f"{SCRATCH_LEARNING_RATE} for models made here, {PRETRAINED_LEARNING_RATE} for others."),
    ] = None,
    schedule: Annotated[str, typer.Option(help="After warm-up: cosine or constant.")] = DEFAULT.schedule,
    warmup: Annotated[float, typer.Option(help="Share of the steps with a rising learning rate.")] = DEFAULT.warmup,
    weight_decay: Annotated[float, typer.Option(help="AdamW's weight decay.")] = DEFAULT.weight_decay,
    clip: Annotated[float, typer.Option(help="Largest norm of the gradient.")] = DEFAULT.clip,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 autocast over fp32 weights.")] = DEFAULT.precision,
    evaluations: Annotated[int, typer.Option(help="Evaluations over the planned steps.")] = DEFAULT.evaluations,
    train_examples: Annotated[int, typer.Option(help="Training examples before they begin again.")] = 1_000_000,
    held_out_examples: Annotated[int, typer.Option(help="Held-out examples that exist.")] = 100_000,
    half_width: Annotated[
        float, typer.Option(help="Of the interval an evaluation is sized for; 0 asks every held-out example each time.")
    ] = 0.01,
    validation_examples: Annotated[int, typer.Option(help="Of every evaluation, to choose a rate by.")] = 2_000,
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
    is_small = shape_of(name) is not None or pair_of(name) in SHIPPED
    default_rate = SCRATCH_LEARNING_RATE if is_small else PRETRAINED_LEARNING_RATE
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
    model: dict[str, Any] = {"name": name, "weight_seed": weight_seed, "init_seed": init_seed, "new_rows": new_rows}
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
        half_width=half_width,
        validation_examples=validation_examples,
        threshold=threshold,
        stop_at_threshold=stop_at_threshold,
        supervision=asked,
        score_end=score_end,
    )

    from probe.dispatch import run_probes

    run_probes(
        [config], out, dry_run, None, tracker=tracker, checkpoint_minutes=checkpoint_minutes, keep_weights=keep_weights
    )


@app.command(
    epilog="`probe pretrain --out runs/pretrain` both families of the tiny pair · "
    "`probe pretrain --text book.txt --length 128 --out runs/text` on the bytes of a file"
)
def pretrain(
    family: Annotated[str | None, typer.Option(help=f"{' or '.join(FAMILIES)}; both unless given.")] = None,
    pair: Annotated[str, typer.Option(help=f"Size of the models: {', '.join(SCRATCH)}.")] = "tiny",
    out: Annotated[Path, typer.Option(help="Folder for the runs.")] = Path("runs/pretrain"),
    text: Annotated[list[Path] | None, typer.Option(help="A file to read byte by byte; may be given again.")] = None,
    length: Annotated[int, typer.Option(help="Tokens of a sequence.")] = 48,
    alphabet: Annotated[int, typer.Option(help="Tokens of the synthetic language.")] = 128,
    shortest: Annotated[int, typer.Option(help="Tokens of the shortest segment that a sequence repeats.")] = 6,
    longest: Annotated[int, typer.Option(help="Tokens of the longest one.")] = 19,
    steps: Annotated[int, typer.Option(help="Training steps, the same for both families.")] = 3_000,
    batch: Annotated[int, typer.Option(help="Sequences in a step, over all processes.")] = DEFAULT.batch,
    learning_rate: Annotated[float, typer.Option(help="Of AdamW.")] = SCRATCH_LEARNING_RATE,
    schedule: Annotated[str, typer.Option(help="After warm-up: cosine or constant.")] = "constant",
    precision: Annotated[str, typer.Option(help="fp32, or bf16 autocast over fp32 weights.")] = DEFAULT.precision,
    evaluations: Annotated[int, typer.Option(help="Evaluations over the steps.")] = 30,
    weight_seed: Annotated[int, typer.Option(help="Seed of the first weights.")] = 0,
    data_seed: DataSeed = 0,
    workers: Workers = 1,
    tracker: Tracker = None,
    checkpoint_minutes: Checkpoints = 10.0,
) -> None:
    """Pretrain a pair on a language in which retrieval from the context pays, or on text.

    The weights stay in each run's checkpoint folder, which `probe train --pretrained` takes.
    """
    optimisation: dict[str, Any] = {
        "steps": steps,
        "batch": batch,
        "learning_rate": learning_rate,
        "schedule": schedule,
        "precision": precision,
        "evaluations": evaluations,
    }
    names = [name_of(pair, one) for one in ([family] if family else FAMILIES)]
    checked = Optimisation(**optimisation)

    from probe.dispatch import run_pretrainings
    from probe.language import Language
    from probe.pretrain import PretrainConfig
    from probe.text import read_text

    corpus = (
        read_text(text, length, data_seed)
        if text
        else Language(length=length, alphabet=alphabet, shortest=shortest, longest=longest, seed=data_seed)
    )
    configs = [
        PretrainConfig(name=name, corpus=corpus, optimisation=checked, weight_seed=weight_seed) for name in names
    ]
    run_pretrainings(
        configs, out, EngineOptions(workers=workers), tracker=tracker, checkpoint_minutes=checkpoint_minutes
    )
