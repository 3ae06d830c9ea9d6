"""Where trained models are: the checkpoint of a run, of every finished run in a folder, or a folder of its own."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from training.config import ConfigError, from_dict, require
from training.run import STATUS, read_config, read_kind, read_state, run_folders
from vlm.architecture import CONFIG, MODEL_TYPE, Architecture, read_architecture
from vlm.config import TrainConfig
from vlm.model import VisionLanguageModel
from vlm.sizes import pair_of


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model on disk, and the data that go with it."""

    name: str
    """What it is called in a title: the pair that its language model is of, or what transformers calls it."""
    checkpoint: Path
    data: str
    """Folder of samples, or its URL."""
    architecture: Architecture

    def load(self, device: torch.device | None = None) -> VisionLanguageModel:
        """The model, on a GPU where there is one unless it is said where."""
        usual = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return VisionLanguageModel.from_pretrained(self.checkpoint).to(device or usual)


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a vision-language model, as `save_pretrained` writes it."""
    try:
        described = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(described, dict) and described.get("model_type") == MODEL_TYPE


def checkpoint_of(path: Path) -> Path:
    """The checkpoint that a person means by a folder: the folder itself, or that of the run in it.

    Raises:
        ConfigError: there is none.
    """
    if is_checkpoint(path):
        return path
    run = path / "checkpoint"
    require(
        is_checkpoint(run),
        f"{path} holds no trained model: name a checkpoint, or the folder of a finished run of `vlm train`.",
    )
    require(
        read_state(path) == "finished", f"{path} is not finished: start the command that began it again, which goes on."
    )
    return run


def find_models(paths: Sequence[Path], data: str | None) -> list[Trained]:
    """The models that a person means: of folders of runs, all finished ones of the last stage. Those that are not
    finished are named on stderr.

    Args:
        data: folder of samples; None for the one that each was trained on.

    Raises:
        ConfigError: a folder holds none, or it is not known which data go with it.
    """
    found = []
    for path in paths:
        runs = [] if (path / CONFIG).exists() else run_folders(path)
        if not runs:
            found.append(_trained(path, data))
            continue
        last = [run for run in runs if _stage_of(run) == "instruct" and read_state(run) == "finished"]
        require(bool(last), f"{path} holds no finished run of the stage instruct: train one with `vlm train`.")
        for run in runs:
            if _stage_of(run) == "instruct" and run not in last:
                print(f"left out: {run} is {read_state(run)}", file=sys.stderr)
        found += [_trained(run, data) for run in last]
    return found


def find_model(path: Path) -> Trained:
    """The one model that a person means, whatever it was trained on.

    Raises:
        ConfigError: there is none, or there are several.
    """
    found = find_models([path], data=".")
    require(len(found) == 1, f"{path} holds {len(found)} trained models: name the folder of one of them.")
    return found[0]


def start_of(path: Path) -> tuple[TrainConfig | str, Path | None]:
    """What a stage begins with, as its config says it, and the folder that both runs belong in: a run by its own
    config, so that a comparison knows all of it; a checkpoint that no run of ours wrote by its whole path, in any
    folder.

    Raises:
        ConfigError: there is no trained model.
    """
    checkpoint = checkpoint_of(path)
    run = path if path != checkpoint else path.parent
    if (run / CONFIG).is_file() and (run / STATUS).is_file():
        return read_run(run), run.parent
    return str(checkpoint.resolve()), None


def read_run(folder: Path) -> TrainConfig:
    """The config of a run.

    Raises:
        ConfigError: the folder holds none of `vlm train`.
    """
    require(
        (folder / CONFIG).is_file() and read_kind(folder) == TrainConfig.__name__,
        f"{folder} holds no run of vlm: name a folder that `vlm train` or `vlm sweep` wrote.",
    )
    return from_dict(TrainConfig, read_config(folder))


def _trained(path: Path, data: str | None) -> Trained:
    checkpoint = checkpoint_of(path)
    architecture = read_architecture(checkpoint)
    language = architecture.language
    name = pair_of(architecture.family, language) or str(language.get("model_type", ""))
    if checkpoint != path:
        config = read_run(path)
        name, data = config.model.name.partition("/")[0], data or config.data.folder
    if data is None:
        raise ConfigError(f"{path} does not say what it was trained on: name the folder of samples with --data.")
    return Trained(name=name, checkpoint=checkpoint, data=data, architecture=architecture)


def _stage_of(run: Path) -> str:
    try:
        return str(read_config(run).get("stage", "")) if read_kind(run) == TrainConfig.__name__ else ""
    except ConfigError:
        return ""
