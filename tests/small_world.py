"""A world of a few pictures, runs on it that take a second, and samples of very different lengths."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from training.config import Optimisation
from training.run import Run
from vlm.config import DataSettings, ModelSettings, Stage, TrainConfig
from vlm.dataset import digest_of
from vlm.sample import Question, Sample, read_samples, write_samples
from vlm.vision import VisionSettings
from vlm.world.dataset import make_world

FAMILIES = ("pythia", "mamba")
PATCHES = VisionSettings(name="patches", image_size=32, patch_size=16)
TIMM = VisionSettings(name="timm/test_vit", image_size=32, pretrained=False)
"""A ViT of three blocks, drawn and not fetched."""


def small_world(folder: Path) -> Path:
    """24 pictures to train on."""
    make_world(folder, 24, size=32, evaluation_images=8)
    return folder


def uneven_world(folder: Path) -> Path:
    """A world whose samples are of 20 to 400 tokens, with a loss each of their own kind; at 256 every fifth is too
    long, and some are cut."""
    small_world(folder)
    images = sorted({sample.image for sample in read_samples(folder / "train.jsonl")})

    def sample(number: int) -> Sample:
        words = ("red", "a large striped circle", "left of the word")[number % 3]
        answer = " ".join([words] * (200 if number % 5 == 0 else 1 + number % 7))
        others = (Question(question="Where?", answer=words),) * (number % 4)
        questions = (Question(question="What?", answer=answer), *others)
        image = images[number % len(images)]
        return Sample(id=str(number), image=image, task="vqa", source="uneven", questions=questions)

    write_samples(folder / "train.jsonl", map(sample, range(60)))
    return folder


def vlm_config(
    data: Path,
    name: str = "tiny/mamba",
    stage: Stage = "instruct",
    *,
    vision: VisionSettings = PATCHES,
    tasks: tuple[str, ...] = (),
    data_seed: int = 0,
    norm: Any = "rms",
    **changes: Any,
) -> TrainConfig:
    """A run of a second or two. Changes go to the optimisation if it has a field of their name."""
    names = {field.name for field in dataclasses.fields(Optimisation)} & changes.keys()
    optimisation = {"steps": 4, "evaluations": 2, "batch": 8, "learning_rate": 2e-3}
    optimisation |= {name: changes.pop(name) for name in names}
    settings: dict[str, Any] = {"max_length": 256, "pack_length": 512, **changes}
    return TrainConfig(
        stage=stage,
        model=ModelSettings(name=name, vision=vision, vocabulary="world", norm=norm),
        data=DataSettings(folder=str(data), digest=digest_of(data), tasks=tasks, seed=data_seed, validation_samples=16),
        optimisation=Optimisation(**optimisation),
        **settings,
    )


def both_stages(data: Path, name: str = "tiny/mamba", **changes: Any) -> TrainConfig:
    """`instruct` behind `align`, as `vlm train` has them."""
    return vlm_config(data, name, start=vlm_config(data, name, "align", **changes), **changes)


def weights_of(run: Run | Path) -> dict[str, Tensor]:
    """What a run has learned."""
    folder = run.folder if isinstance(run, Run) else run
    return load_file(folder / "checkpoint" / "model.safetensors")


def curve_of(run: Run | Path) -> list[dict[str, Any]]:
    """The curve without its seconds."""
    folder = run.folder if isinstance(run, Run) else run
    lines = [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def assert_same_weights(one: dict[str, Tensor], two: dict[str, Tensor], atol: float = 0.0) -> None:
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=0, atol=atol, msg=functools.partial("{}: {}".format, name))


def changed_parts(one: dict[str, Tensor], two: dict[str, Tensor]) -> set[str]:
    """The parts of a model (encoder, connector, language_model) of which a bit differs."""
    return {name.partition(".")[0] for name, tensor in one.items() if not torch.equal(tensor, two[name])}
