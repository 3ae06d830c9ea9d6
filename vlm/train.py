"""One training run of a vision-language model, either stage, on the loop of `training`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Unpack

import torch
from accelerate import Accelerator
from torch import Tensor

from backbones.models import check as check_model
from training.config import require
from training.parts import batches
from training.run import Record, Run
from training.runner import Prepared, RunOptions, carry_out
from vlm.assemble import assemble, check_start, restarted
from vlm.config import DataSettings, TrainConfig
from vlm.dataset import digest_of, open_split
from vlm.feature_cache import FeatureCache
from vlm.ledger import facts_of, print_ledger
from vlm.model import Losses, VisionLanguageModel
from vlm.packing import batch_of
from vlm.pixels import to_pixels
from vlm.sample import Split
from vlm.stream import Stream
from vlm.vision import VisionEncoder, build_encoder, image_tokens, outline_of
from vlm.vocabulary import Vocabulary, read_vocabulary

EVALUATION_BATCH = 32
"""Samples that an evaluation while training reads at once."""


@dataclass(frozen=True)
class Answering:
    """The objective of both stages, as `training.loop` wants it: the answers of packed samples, each sample alike."""

    config: TrainConfig
    training: Stream
    validation: Stream
    cache: FeatureCache | None = None

    def counted(self, first: int, count: int) -> int:
        """Of these examples, those that fit into `max_length`."""
        return sum(self.training.layout(example) is not None for example in range(first, first + count))

    def loss(self, model: torch.nn.Module, first: int, count: int) -> Tensor:
        """Mean over those of examples `first` to `first + count - 1` that fit."""
        batch = self.config.optimisation.batch
        ahead = range(first + batch, first + batch + count)  # what this process takes at this place in the next step
        return self._read(model, self.training, range(first, first + count), ahead).loss

    def evaluate(self, model: torch.nn.Module, accelerator: Accelerator, before: Record) -> Record:
        """Loss over samples of the validation split, and how many of their target tokens were most likely."""
        device = accelerator.device
        loss, samples = torch.zeros(2, device=device)
        tokens = torch.zeros(2, dtype=torch.int64, device=device)
        asked = range(min(self.config.data.validation_samples, len(self.validation)))
        for indices in batches(asked, EVALUATION_BATCH, accelerator):
            losses = self._read(model, self.validation, indices.tolist())
            loss += losses.of_samples.sum()
            samples += sum(self.validation.layout(example) is not None for example in indices.tolist())
            tokens += torch.stack([losses.correct.sum(), losses.targets.sum()])
        loss, samples, tokens = (accelerator.reduce(total, "sum") for total in (loss, samples, tokens))
        correct, targets = tokens.tolist()
        return {
            "validation_loss": loss.item() / max(samples.item(), 1),
            "correct_tokens": correct,
            "target_tokens": targets,
        }

    def accuracy(self, record: Record) -> float:
        """Share of target tokens that were most likely, each given those before it."""
        return float(record["correct_tokens"] / max(record["target_tokens"], 1))

    def is_learned(self, record: Record) -> bool:
        return False

    @property
    def stops_when_learned(self) -> bool:
        return False

    def _read(
        self, model: torch.nn.Module, stream: Stream, examples: Sequence[int], ahead: Sequence[int] = ()
    ) -> Losses:
        """What the model finds for these examples, packed.

        Where none of them fits it reads one that does, which counts for nothing: processes that share a model meet in
        its layers.
        """
        fitting = [(example, layout) for example in examples if (layout := stream.layout(example)) is not None]
        if not fitting:
            return Losses(*(found * 0 for found in self._read(model, stream, [stream.first_fitting()], ahead)))
        device = next(model.parameters()).device
        batch = batch_of([layout for _, layout in fitting], self.config.pack_length)
        pictures = [fitting[n][0] for n in batch.images]
        ahead = [example for example in ahead if stream.layout(example) is not None]  # others are never asked for
        if self.cache is not None:
            features = self.cache.features([stream.sample(example).image for example in pictures], stream.samples)
            return model(batch.to(device), features=features.to(device))  # type: ignore[no-any-return]
        return model(batch.to(device), pixels=stream.pixels(pictures, ahead).to(device))  # type: ignore[no-any-return]


def run_vlm(config: TrainConfig, out: Path, features: Path | None = None, **options: Unpack[RunOptions]) -> Run:
    """Runs a config below `out`, and before it the one that it starts from: see `training.runner.carry_out`.

    Args:
        features: folder that keeps the encoder's features, for data that are small enough.
    """
    if isinstance(config.start, TrainConfig):
        before = options.copy()
        before["keep_weights"] = True  # they are what this run begins with
        run_vlm(config.start, out, features, **before)
    prepared = partial(prepare, config, out, features)
    return carry_out(config, out, describe(config), "vlm", prepared, config.model.weight_seed, **options)


def prepare(config: TrainConfig, out: Path, features: Path | None, device: torch.device) -> Prepared:
    """The model with the weights it starts from, frozen as its stage says, and what it is trained on.

    Raises:
        ConfigError, backbones.ModelError: a part cannot be had, the data are not those of the config, or no sample
            fits.
    """
    check_data(config.data)
    model = starting_model(config, out)
    model.freeze(config.stage)
    if config.checkpoint_activations:
        model.checkpoint_activations()
    training, validation = streams(config, model.vocabulary, model.encoder)
    cache = None
    if features is not None:
        cache = FeatureCache(features, model.encoder, config.model.vision)
    facts = facts_of(config, model, training, device)
    print_ledger(config, facts)
    return Prepared(model, Answering(config, training, validation, cache), facts)


def streams(config: TrainConfig, vocabulary: Vocabulary, encoder: VisionEncoder) -> tuple[Stream, Stream]:
    """The samples of training and of validation.

    Raises:
        ConfigError: there are none, a line of their files is none, or none of them fits.
    """
    folder, tasks = config.data.folder, config.data.tasks
    length = image_tokens(encoder.grid)
    require(
        config.max_length > length,
        f"a picture is {length} tokens and max_length {config.max_length}: make it longer, or pictures smaller.",
    )

    def stream(split: Split) -> Stream:
        samples = open_split(folder, split).of_tasks(tasks)
        require(len(samples) > 0, f"{folder} has no {split} samples of {', '.join(tasks) or 'any task'}: name others.")
        made = Stream(
            samples,
            vocabulary,
            encoder.grid,
            partial(to_pixels, size=encoder.settings.image_size, normalisation=encoder.normalisation),
            order=config.order,
            case=config.case,
            max_length=config.max_length,
            seed=config.data.seed,
        )
        made.first_fitting()
        return made

    return stream("train"), stream("validation")


def check(config: TrainConfig) -> None:
    """Raises ConfigError or backbones.ModelError where the data or the model of a config are missing, others, or do not
    fit each other, as far as that can be seen without the weights of a language model."""
    check_data(config.data)
    check_model(config.model.name)
    if isinstance(config.start, str):
        check_start(Path(config.start), config.model)
    vision = config.model.vision
    # An encoder that nothing is begun from has to be had, all others only to be known.
    encoder = build_encoder(vision) if config.start is None and vision.pretrained else outline_of(vision)
    streams(config, read_vocabulary(config.model.vocabulary), encoder)


def check_data(data: DataSettings) -> None:
    """Raises ConfigError where the folder does not hold the samples that a run is for."""
    require(
        digest_of(data.folder) == data.digest,
        f"{data.folder} holds other samples than this run is for: name the folder they are in, or begin another run.",
    )


def starting_model(config: TrainConfig, out: Path) -> VisionLanguageModel:
    """The model before the first step of a config: assembled, or from what the config starts from."""
    of_layout = {"order": config.order, "case": config.case, "max_length": config.max_length}
    if config.start is None:
        return assemble(config.model, **of_layout)
    folder = Run(out, config.start).folder / "checkpoint" if isinstance(config.start, TrainConfig) else config.start
    return restarted(Path(folder), config)


def describe(config: TrainConfig) -> str:
    """A run in a few words: `tiny/mamba instruct task-aware`."""
    return f"{config.model.name} {config.stage} {config.order}"
