"""What a run needs to go on: written by Accelerate (weights as safetensors, optimizer, schedule, random states of every
process), with the model's config beside it so that `from_pretrained` reads the folder, the counters of the loop, and
the curve so far. Where processes share one model out among them (FSDP, DeepSpeed ZeRO), they write their parts of
weights and optimizer, which are put together to safetensors at the end of the run.

    checkpoint/             the last one
    checkpoint.previous/    the one before it, until the run is finished
    .../manifest.json       size and SHA-256 of every other file, written last

A checkpoint is written beside the others and then takes its name: at any moment one of them is whole. What a disk has
done to it since (cut short, a flipped bit) the manifest tells, and the one before it takes its place.
"""

import dataclasses
import errno
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list

from training.config import require
from training.lock import TakenError
from training.run import CURVE, Run, StorageError

MANIFEST = "manifest.json"
SHARDED = {"ACCELERATE_USE_FSDP": "pytorch_model_fsdp_0", "ACCELERATE_USE_DEEPSPEED": "pytorch_model"}
"""What `accelerate launch` sets for processes that share a model out among them, and the folder that Accelerate puts
the weights in then, a part of each."""
LEAST_FREE = 2**20
"""Bytes; a disk with fewer is full."""

GENERATIONS = ("checkpoint", "checkpoint.previous")


@dataclasses.dataclass
class Counters:
    """Where a run stands. The data need nothing else: an example is a function of its number."""

    step: int = 0
    seconds: float = 0.0
    """Time spent in this run, over all sessions."""
    loss_sum: float = 0.0
    """Training loss of the steps since the last evaluation, and how many they are."""
    loss_steps: int = 0


def save(run: Run, accelerator: Accelerator, model: Any, counters: Counters) -> None:
    """Makes the present state the last checkpoint of the run. Every process calls it.

    Args:
        model: the model that the accelerator prepared, unwrapped; its `config` is written beside the weights.

    Raises:
        StorageError: it could not be written; the checkpoints that were there are as they were.
    """
    partial = _beside(run)
    if accelerator.is_main_process:
        run.require_owned()
        shutil.rmtree(partial, ignore_errors=True)
    accelerator.wait_for_everyone()
    try:
        accelerator.save_state(str(partial))
        accelerator.wait_for_everyone()  # each process has its own random states to write
        if accelerator.is_main_process:
            model.config.save_pretrained(partial)
            (partial / "counters.json").write_text(json.dumps(dataclasses.asdict(counters)), encoding="utf-8")
            if (run.folder / CURVE).exists():
                shutil.copyfile(run.folder / CURVE, partial / CURVE)
            _seal(partial)
            run.require_owned()
            _take_the_name(partial)
    except TakenError:
        raise
    except Exception as error:  # each library has its own for a disk that is full
        is_full = shutil.disk_usage(run.folder).free < LEAST_FREE
        shutil.rmtree(partial, ignore_errors=True)
        raise StorageError(
            f"the checkpoint of step {counters.step:,} could not be written "
            f"({os.strerror(errno.ENOSPC) if is_full else str(error).partition(chr(10))[0]}): see to the disk of "
            f"{run.folder}, and start the same command again."
        ) from error
    accelerator.wait_for_everyone()


def load(run: Run, accelerator: Accelerator) -> Counters:
    """Puts everything that was prepared, and the curve, back to the last checkpoint that is whole, and to the beginning
    where there is none. Every process calls it."""
    agreed: list[Any] = [_last_good(run.folder) if accelerator.is_main_process else None, run.session]
    broadcast_object_list(agreed)
    chosen, run.session = agreed
    if accelerator.is_main_process:
        run.require_owned()
        run.put_curve(chosen and chosen / CURVE)
        for left in run.folder.glob("checkpoint.*partial"):
            shutil.rmtree(left, ignore_errors=True)
    accelerator.wait_for_everyone()
    if chosen is None:
        return Counters()
    accelerator.load_state(str(chosen))
    return Counters(**json.loads((chosen / "counters.json").read_text(encoding="utf-8")))


def check(folder: Path) -> None:
    """Raises ConfigError where the run in `folder` cannot go on in the processes that were launched: they hold the
    model in another way than those that wrote its checkpoint."""
    launched = (name for variable, name in SHARDED.items() if os.environ.get(variable, "").lower() == "true")
    weights = next(launched, "model.safetensors")
    written = next((names for name in GENERATIONS if "counters.json" in (names := _names_in(folder / name))), None)
    require(
        written is None or any(name.partition("/")[0] == weights for name in written),
        f"{folder} cannot go on like this: its checkpoint is of another kind (one process and DDP, FSDP, or DeepSpeed "
        "ZeRO). Launch it as it began, or delete its folder to begin anew.",
    )


def keep_weights(run: Run, accelerator: Accelerator, wrapped: torch.nn.Module) -> None:
    """Makes the weights alone the last checkpoint, for those who use the model. Every process calls it: those that
    share one model out among them give their parts. The one before it is what the run goes on from until it is said to
    be finished.

    Args:
        wrapped: the model, as the accelerator prepared it.
    """
    weights, model = accelerator.get_state_dict(wrapped), accelerator.unwrap_model(wrapped)
    if accelerator.is_main_process:
        partial = _beside(run)
        shutil.rmtree(partial, ignore_errors=True)
        # Put together from parts, tied weights are two of one content, and a model that finds two does not tie them.
        twins = dict(model.named_parameters(remove_duplicate=False)).keys() - dict(model.named_parameters()).keys()
        weights = {name: tensor for name, tensor in weights.items() if name not in twins}
        model.save_pretrained(partial, state_dict=weights)
        _seal(partial)
        run.require_owned()
        _take_the_name(partial)
    accelerator.wait_for_everyone()


def finish(run: Run, has_weights: bool) -> None:
    """Removes what a finished run does not need any more: all but its weights, or everything."""
    for path in run.folder.glob("checkpoint*"):
        if path.name != "checkpoint" or not has_weights:
            shutil.rmtree(path, ignore_errors=True)


def damage_of(checkpoint: Path) -> str:
    """What is wrong with a checkpoint, in words; empty where it is as it was written."""
    try:
        for name, (size, digest) in _manifest(checkpoint).items():
            path = checkpoint / name
            if not path.is_file():
                return f"{name} is missing"
            if path.stat().st_size != size:
                return f"{name} has {path.stat().st_size:,} bytes and not {size:,}"
            if _digest(path) != digest:
                return f"{name} is not what was written"
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return f"{MANIFEST} cannot be read: {type(error).__name__}"
    return ""


def _manifest(checkpoint: Path) -> dict[str, Any]:
    """Size and digest of each file, by its name."""
    return dict(json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))["files"])


def _names_in(checkpoint: Path) -> list[str]:
    """What a checkpoint was written with; nothing where that cannot be read, which `load` finds damaged."""
    try:
        return list(_manifest(checkpoint))
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _last_good(folder: Path) -> Path | None:
    """The last checkpoint that is whole; says in a sentence what is wrong with one that is not, and removes it."""
    for name in GENERATIONS:
        path = folder / name
        # Without counters it holds the weights of a run that was finished, and nothing to go on with.
        if not path.exists() or not ((path / MANIFEST).exists() or (path / "counters.json").exists()):
            continue
        damage = damage_of(path)
        if not damage and (path / "counters.json").exists():
            return path
        if damage:
            print(f"{path} is damaged ({damage}): the run goes on from what was before it.", file=sys.stderr)
            shutil.rmtree(path, ignore_errors=True)  # or it would push out the one before it
    return None


def _seal(partial: Path) -> None:
    """Writes the manifest, once all that it lists is on disk."""
    files = {}
    for path in sorted(path for path in partial.rglob("*") if path.is_file()):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
        files[str(path.relative_to(partial))] = (path.stat().st_size, _digest(path))
    with open(partial / MANIFEST, "w", encoding="utf-8") as file:
        json.dump({"files": files}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _beside(run: Run) -> Path:
    """Where this session writes a checkpoint: one that was frozen meanwhile cannot write into it."""
    return run.folder / f"checkpoint.{run.session}.partial"


def _take_the_name(partial: Path) -> None:
    """Renames what was written to `checkpoint`, and what had that name to `checkpoint.previous`."""
    checkpoint, previous = (partial.with_name(name) for name in GENERATIONS)
    if checkpoint.exists():
        shutil.rmtree(previous, ignore_errors=True)
        checkpoint.rename(previous)
    partial.rename(checkpoint)
    folder = os.open(partial.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the names, too
    finally:
        os.close(folder)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
