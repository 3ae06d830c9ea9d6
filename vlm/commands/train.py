"""`vlm train`: one model, one stage or both, from options."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backbones.pairs import FAMILIES, PRETRAINED, SCRATCH, name_of
from training.config import require, require_choice
from training.options import Checkpoints, Tracker
from vlm.commands.app import app
from vlm.options import Features, OrderName

PAIRS = ", ".join([*SCRATCH, *PRETRAINED])


@app.command(
    epilog="`vlm train --data data/world --out runs/world` both stages on a laptop · "
    "`vlm train --family mamba --pair 1.4b --data data/align --stage align --out runs/paper` the paper's on a GPU · "
    "`accelerate launch -m vlm train ...` on several"
)
def train(
    data: Annotated[str, typer.Option(help="Folder of samples, as `vlm prepare` or `vlm world` writes it, or a URL.")],
    family: Annotated[
        str | None, typer.Option(help=f"{' or '.join(FAMILIES)}; mamba, or that of --start, unless given.")
    ] = None,
    pair: Annotated[
        str | None, typer.Option(help=f"Size of the language model: {PAIRS}; tiny, or that of --start, unless given.")
    ] = None,
    pretrained: Annotated[
        str | None, typer.Option(help="Another language model, by hub name or folder, in place of a pair's.")
    ] = None,
    stage: Annotated[str, typer.Option(help="align, instruct, or both, one behind the other.")] = "both",
    start: Annotated[
        Path | None, typer.Option(help="Run or checkpoint whose weights the stage begins with; its parts are kept.")
    ] = None,
    order: OrderName = "task-agnostic",
    out: Annotated[Path | None, typer.Option(help="Folder for the runs; runs, or that of --start, unless given.")] = (
        None
    ),
    steps: Annotated[int | None, typer.Option(help="Steps of the stage, of the last one of both.", min=1)] = None,
    align_steps: Annotated[int | None, typer.Option(help="With both: steps of the first stage.", min=1)] = None,
    batch: Annotated[int | None, typer.Option(help="Samples in a step, over all processes; of both stages.")] = None,
    micro_batch: Annotated[int | None, typer.Option(help="Most samples that a process takes at once.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak, of the stage, of the last one of both.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, or bf16 autocast over fp32 weights.")] = None,
    evaluations: Annotated[int | None, typer.Option(help="On validation samples, over the steps.")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="placed-patches, patches, timm/MODEL or clip/NAME-OR-FOLDER.")
    ] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of a picture, in pixels.")] = None,
    patch_size: Annotated[int | None, typer.Option(help="Side of a patch, for patches.")] = None,
    layer: Annotated[int | None, typer.Option(help="Hidden states that are the features; the last norm's if left.")] = (
        None
    ),
    encoder_precision: Annotated[str | None, typer.Option(help="Of the frozen encoder: fp32 or bf16.")] = None,
    norm: Annotated[str | None, typer.Option(help="Of Mamba: rms, or layer as in the released models.")] = None,
    case: Annotated[str | None, typer.Option(help="Of text: kept, or lowered as in the paper.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Most tokens of a sample.")] = None,
    pack_length: Annotated[int | None, typer.Option(help="Most tokens of a row of samples.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Train on this task alone; may be given again.")] = None,
    validation_samples: Annotated[int, typer.Option(help="Samples of an evaluation.", min=1)] = 256,
    weight_seed: Annotated[int | None, typer.Option(help="Of what is made here; 0 unless given.")] = None,
    data_seed: Annotated[int, typer.Option(help="Of the order of samples.")] = 0,
    checkpoint_activations: Annotated[
        bool, typer.Option("--checkpoint-activations", help="Less memory, more time.")
    ] = False,
    features: Features = None,
    tracker: Tracker = None,
    checkpoint_minutes: Checkpoints = 10.0,
) -> None:
    """Train a model: `align` teaches the connector, `instruct` the connector and the language model.

    What is not said is usual for the pair: the paper's for pretrained ones, a laptop's for those made from scratch. The
    same settings again do nothing if the run is finished, and go on where it stopped if it is not.
    """
    require_choice("stage", stage, ("align", "instruct", "both"))
    asked_order: Any = order
    require(start is None or stage != "both", "--start begins one stage: name --stage align or --stage instruct.")
    require(stage == "both" or align_steps is None, "--align-steps is of --stage both: say --steps.")

    from vlm.config import DataSettings
    from vlm.dataset import digest_of
    from vlm.dispatch import run_configs
    from vlm.presets import changed, preset_from, preset_of
    from vlm.runs import start_of

    begun, folder = start_of(start) if start is not None else (None, None)
    require(
        out is None or folder is None or out.resolve() == folder.resolve(),
        f"what begins with {start} is kept beside it: leave --out out, or name {folder}.",
    )
    is_named = begun is None or pair or family
    name = pretrained or (name_of(pair or "tiny", family or "mamba") if is_named else None)
    preset = changed(
        preset_of(name or "") if begun is None else preset_from(begun, name),
        vision={
            "name": encoder,
            "image_size": image_size,
            "patch_size": patch_size,
            "layer": layer,
            "precision": encoder_precision,
        },
        model={"norm": norm, "weight_seed": weight_seed},
        max_length=max_length,
        pack_length=pack_length,
    )
    case = case or getattr(begun, "case", "kept")
    of_data = DataSettings(
        folder=data,
        digest=digest_of(data),
        tasks=tuple(task or ()),
        seed=data_seed,
        validation_samples=validation_samples,
    )
    said = {
        "batch": batch,
        "micro_batch": micro_batch,
        "learning_rate": learning_rate,
        "precision": precision,
        "evaluations": evaluations,
    }
    optimisation = {name: value for name, value in said.items() if value is not None}
    asked: Any = {"case": case, "checkpoint_activations": checkpoint_activations}
    if stage == "both":
        of_both = {name: value for name, value in optimisation.items() if name != "learning_rate"}
        # As in the paper, the orders part in the second stage: both begin with the same first one.
        align = preset.run("align", of_data, steps=align_steps, optimisation=of_both, **asked)
        config = preset.run(
            "instruct", of_data, order=asked_order, steps=steps, start=align, optimisation=optimisation, **asked
        )
    else:
        stage_name: Any = stage
        config = preset.run(
            stage_name, of_data, order=asked_order, steps=steps, start=begun, optimisation=optimisation, **asked
        )
    run_configs(
        [config], out or folder or Path("runs"), None, features, tracker=tracker, checkpoint_minutes=checkpoint_minutes
    )
