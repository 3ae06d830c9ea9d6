"""What every run has around its training: the Accelerator, the run's directory, trackers, failures."""

import contextlib
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list
from huggingface_hub.utils import logging as hub_logging
from transformers.utils import logging as transformers_logging

from training import checkpoint
from training.config import Optimisation, flatten, require, require_choice, to_dict
from training.lock import TakenError
from training.loop import Interrupted, Objective, check_batch, train
from training.run import Run, StorageError
from training.session import process_count, ran_with

T = TypeVar("T")

TRACKERS = ("tensorboard", "wandb", "trackio")


class Trainable(Protocol):
    """A config that says how to train."""

    @property
    def optimisation(self) -> Optimisation: ...


@dataclass(frozen=True)
class Prepared:
    """What a run is made of, once its config has been found to be possible."""

    model: torch.nn.Module
    """With its first weights."""
    objective: Objective
    facts: dict[str, Any]
    """What is written beside the config of the run, with versions and devices: which kernels it takes, how large the
    model is. As JSON holds it."""


class RunOptions(TypedDict, total=False):
    """What changes how a run is watched and kept, and nothing of what it finds."""

    place: str
    """Of the run in a sweep, such as "3/12", for the progress bar."""
    row: int
    """Of the terminal, for the progress bar of one of several runs."""
    tracker: str | None
    """One of Accelerate's (tensorboard, wandb, trackio), or None."""
    checkpoint_minutes: float
    """Time between checkpoints; 10 unless given."""
    command: str
    """What a person typed, for a run that is carried out in another process than that started."""
    keep_weights: bool
    """Whether the trained weights stay in the run's `checkpoint/`; they do unless it is said."""


def carry_out(
    config: Trainable,
    out: Path,
    label: str,
    project: str,
    prepare: Callable[[torch.device], Prepared],
    seed: int,
    **options: Unpack[RunOptions],
) -> Run:
    """Runs a config below `out`: to its end, from where it stopped, or not at all if it is finished.

    Args:
        label: the run in a few words, for the progress bar.
        project: what trackers keep the run under.
        prepare: gives the model and what it is trained on, for this device.
        seed: of the global generator, for models that have dropout.

    Raises:
        ConfigError, and what `prepare` raises: it cannot be run; nothing has been written.
        training.lock.TakenError: another process is at it.
        training.loop.Interrupted: a signal came, and the run was saved.
    """
    run = Run(out, config)
    if run.state == "finished" and process_count() == 1:
        return run
    quieten_transformers()
    tracker = options.get("tracker")
    accelerator = Accelerator(
        mixed_precision="no",  # `_in_bf16` is the same arithmetic however the model is distributed
        log_with=tracker,
        project_dir=str(run.folder) if tracker else None,
        # The buffers of these models are constants (rotary frequencies): sending them at every forward would also
        # make processes with one batch more wait for those without.
        kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
    )
    try:
        if _as_the_first(run.state == "finished", accelerator):
            return run
        check_batch(config.optimisation, accelerator.num_processes)
        checkpoint.check(run.folder)
        prepared = prepare(accelerator.device)
        if config.optimisation.precision == "bf16":
            _in_bf16(prepared.model, accelerator.device)
        torch.manual_seed(seed)
        with _owned(run, accelerator):
            if accelerator.is_main_process:
                run.start(ran_with(accelerator, options.get("command")) | prepared.facts)
            accelerator.wait_for_everyone()
            with _failure_written(run):
                if tracker:
                    accelerator.init_trackers(project, config=_for_tracker(config))
                train(
                    run,
                    prepared.model,
                    prepared.objective,
                    config.optimisation,
                    accelerator,
                    checkpoint_minutes=options.get("checkpoint_minutes", 10.0),
                    keep_weights=options.get("keep_weights", True),
                    label=f"{options.get('place', '')} {label}".strip(),
                    row=options.get("row", 0),
                )
    finally:
        # Not end_training, which also parts the processes: the next run of a sweep needs them together.
        for watcher in accelerator.trackers:
            watcher.finish()
        accelerator.free_memory()
        # Accelerate keeps all it has found for the whole process, and a second FSDP run would not be one.
        AcceleratorState._reset_state(reset_partial_state=True)
    return run


@contextlib.contextmanager
def _owned(run: Run, accelerator: Accelerator) -> Iterator[None]:
    """The run is owned by the first process, which writes for all; where it cannot be had, all of them hear of it."""
    with contextlib.ExitStack() as held:
        refused = ""
        if accelerator.is_main_process:
            try:
                held.enter_context(run.owned())
            except TakenError as error:
                refused = str(error)
        if refused := _as_the_first(refused, accelerator):
            raise TakenError(refused)
        yield


def _as_the_first(value: T, accelerator: Accelerator) -> T:
    """What the first process says, in all of them: what they read of a disk can be different a moment later."""
    said = [value]
    broadcast_object_list(said)
    return said[0]


@contextlib.contextmanager
def _failure_written(run: Run) -> Iterator[None]:
    """Leaves an error in the status of the run, unless it came after the run's end."""
    try:
        yield
    except Interrupted:
        raise
    except Exception:
        # A disk that is full, or a run that is another's by now, has no room for it.
        with contextlib.suppress(StorageError, TakenError):
            run.note_failure(traceback.format_exc())  # whichever process it was: the others wait for it
        raise


def check_tracker(name: str | None) -> None:
    """Raises ConfigError unless Accelerate can log to the tracker of this name."""
    if name is None:
        return
    require_choice("tracker", name, TRACKERS)
    require(find_spec(name) is not None, f"tracker {name} is not installed: pip install {name}.")


def quieten_transformers() -> None:
    """One progress bar is enough; broken weights and a hub out of reach are refused in a sentence of our own; what
    transformers warns of (slow scans) the command `doctor` says in full; and that tied weights are written once, of
    which Accelerate warns at every checkpoint, is as it should be."""
    logging.getLogger("accelerate.utils.other").setLevel(logging.ERROR)
    transformers_logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def _in_bf16(model: torch.nn.Module, device: torch.device) -> None:
    """Has the model compute in bfloat16 where torch's autocast deems it right, with weights and gradients in float32.

    Accelerate does so under DDP alone. Under FSDP it would cast all weights, the rates of a state space among them,
    and add up gradients in bfloat16; under DeepSpeed the weights would be kept in it as well.
    """
    model.forward = torch.autocast(device.type, torch.bfloat16)(model.forward)


def _for_tracker(config: Any) -> dict[str, int | float | str | bool]:
    """The config as trackers take it: one level of plain values."""
    settings = flatten(to_dict(config))
    return {key: value if isinstance(value, int | float | str) else str(value) for key, value in settings.items()}
