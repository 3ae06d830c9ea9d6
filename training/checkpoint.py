"""What a run needs to go on: written by Accelerate (weights as safetensors, optimizer, schedule, random states of every
process), with the model's config beside it so that `from_pretrained` reads the folder, and the counters of the loop.
Where processes share one model out among them (FSDP, DeepSpeed ZeRO), they write their parts of weights and optimizer,
which are put together to safetensors at the end of the run.

A checkpoint is written beside the last one and then takes its name: at any moment one of the two is whole.
"""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import torch
from accelerate import Accelerator
from transformers import PreTrainedModel

from training.config import require

SHARDED = {"ACCELERATE_USE_FSDP": "pytorch_model_fsdp_0", "ACCELERATE_USE_DEEPSPEED": "pytorch_model"}
"""What `accelerate launch` sets for processes that share a model out among them, and the folder that Accelerate puts
the weights in then, a part of each."""


@dataclasses.dataclass
class Counters:
    """Where a run stands. The data need nothing else: an example is a function of its number."""

    step: int = 0
    seconds: float = 0.0
    """Time spent in this run, over all sessions."""
    loss_sum: float = 0.0
    """Training loss of the steps since the last evaluation, and how many they are."""
    loss_steps: int = 0


def save(folder: Path, accelerator: Accelerator, model: PreTrainedModel, counters: Counters) -> None:
    """Replaces the checkpoint of the run in `folder` by the present state. Every process calls it.

    Args:
        model: the model that the accelerator prepared, unwrapped.
    """
    partial = folder / "checkpoint.partial"
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(partial))
    accelerator.wait_for_everyone()  # each process has its own random states to write
    if accelerator.is_main_process:
        model.config.save_pretrained(partial)
        (partial / "counters.json").write_text(json.dumps(dataclasses.asdict(counters)), encoding="utf-8")
        _take_the_name(partial)
    accelerator.wait_for_everyone()


def check(folder: Path) -> None:
    """Raises ConfigError where the run in `folder` cannot go on in the processes that were launched: they hold the
    model in another way than those that wrote its checkpoint."""
    found = _found(folder)
    launched = (name for variable, name in SHARDED.items() if os.environ.get(variable, "").lower() == "true")
    weights = next(launched, "model.safetensors")
    require(
        found is None or (found / weights).exists(),
        f"{folder} cannot go on like this: its checkpoint is of another kind (one process and DDP, FSDP, or DeepSpeed "
        "ZeRO). Launch it as it began, or delete its folder to begin anew.",
    )


def load(folder: Path, accelerator: Accelerator) -> Counters | None:
    """Puts everything that was prepared back to the last checkpoint; None, and nothing done, where there is none."""
    found = _found(folder)
    if found is None:
        return None
    accelerator.load_state(str(found))
    return Counters(**json.loads((found / "counters.json").read_text(encoding="utf-8")))


def finish(folder: Path, accelerator: Accelerator, wrapped: torch.nn.Module, keep_weights: bool) -> None:
    """Leaves of the checkpoint what a finished run is good for: its weights, or nothing. Every process calls it: those
    that share one model out among them give their parts.

    Args:
        wrapped: the model, as the accelerator prepared it.
    """
    weights = accelerator.get_state_dict(wrapped) if keep_weights else {}
    model = accelerator.unwrap_model(wrapped)
    if not accelerator.is_main_process:
        return
    if keep_weights:
        partial = folder / "checkpoint.partial"
        shutil.rmtree(partial, ignore_errors=True)
        # Put together from parts, tied weights are two of one content, and a model that finds two does not tie them.
        twins = dict(model.named_parameters(remove_duplicate=False)).keys() - dict(model.named_parameters()).keys()
        weights = {name: tensor for name, tensor in weights.items() if name not in twins}
        model.save_pretrained(partial, state_dict=weights)
        _take_the_name(partial)
    else:
        for path in folder.glob("checkpoint*"):
            shutil.rmtree(path, ignore_errors=True)


def _found(folder: Path) -> Path | None:
    """The last checkpoint of the run in `folder`, if it has one."""
    places = (folder / "checkpoint", folder / "checkpoint.previous")
    # Without counters it holds the weights of a run that was finished, and nothing to go on with.
    return next((path for path in places if (path / "counters.json").exists()), None)


def _take_the_name(partial: Path) -> None:
    """Renames `checkpoint.partial` to `checkpoint`, once all of it is on disk."""
    for path in partial.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    checkpoint, previous = partial.with_name("checkpoint"), partial.with_name("checkpoint.previous")
    if checkpoint.exists():
        shutil.rmtree(previous, ignore_errors=True)
        checkpoint.rename(previous)
    partial.rename(checkpoint)
    shutil.rmtree(previous, ignore_errors=True)
