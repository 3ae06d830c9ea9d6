"""Checkpoints on benchmarks: predictions of each, and what they say of each other.

out/FAMILY-ORDER/BENCHMARK.jsonl        predictions, once a benchmark is done
out/FAMILY-ORDER/BENCHMARK.said         what has been said so far, until then
out/FAMILY-ORDER/asked.json             what they depend on: others have no place beside them
figures/benchmarks.png, .pdf, .csv      scores of all models, and the best constant answers
figures/differences.csv                 of models, paired, with their intervals
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console

from training.config import ConfigError, require
from training.run import require_folder
from vlm.checkpoint import files_of
from vlm.dataset import Split, read_split
from vlm.evaluate.answer import answer
from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.figure import draw_results
from vlm.evaluate.predictions import judge, read_predictions, write_predictions
from vlm.evaluate.table import Evaluated, differences, print_results, scores
from vlm.model import VisionLanguageModel
from vlm.prompt import Order
from vlm.runs import Trained

ASKED = "asked.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What predictions depend on, beside the benchmark."""

    weights: str
    """SHA-256 of the checkpoint's files."""
    data: str
    """SHA-256 of the file of samples."""
    order: str
    limit: int | None
    """Questions of each benchmark, the first ones; None for all."""


def evaluate(
    models: Sequence[Trained],
    benchmarks: Sequence[str],
    out: Path,
    *,
    figures: Path | None = None,
    order: Order | None = None,
    limit: int | None = None,
    split: Split = "test",
    device: torch.device | None = None,
) -> None:
    """Asks every model everything, and prints scores and paired differences with their intervals.

    Args:
        figures: folder for the tables and the figure; `out` unless given.
        order: the order to ask in; None for the one that a model was trained with.
        limit: questions of each benchmark.

    Raises:
        ConfigError: something cannot be evaluated. What `out` holds is as it was.
    """
    require_folder(out, "the predictions")
    require_folder(figures or out, "the figure")
    named = [benchmark_named(name) for name in benchmarks]
    places = [out / f"{model.architecture.family}-{order or model.architecture.order}" for model in models]
    for place in places:
        require(places.count(place) == 1, f"two of the models would be {place.name}: evaluate them into two folders.")
    everything = []
    for model, place in zip(models, places, strict=True):
        samples = read_split(model.data, split)
        asked = Asked(
            weights=_digest(files_of(model.checkpoint)),
            data=_digest([model.data / f"{split}.jsonl"]),
            order=order or model.architecture.order,
            limit=limit,
        )
        _check_place(place, asked)
        everything.append((model, place, asked, {one.name: one.of(samples)[:limit] for one in named}))
    found = []
    for model, place, asked, own in everything:
        asked_in: Order = order or model.architecture.order
        loaded: VisionLanguageModel | None = None
        for benchmark in named:
            path = place / f"{benchmark.name}.jsonl"
            if not path.exists():
                loaded = loaded or VisionLanguageModel.from_pretrained(model.checkpoint).to(device or _device())
                _claim(place, asked)
                said = place / f"{benchmark.name}.said"
                texts = answer(loaded, benchmark, own[benchmark.name], model.data, order=asked_in, said=said)
                write_predictions(path, judge(benchmark, own[benchmark.name], texts))
                said.unlink()
            predictions = read_predictions(path)
            found.append(Evaluated(family=model.architecture.family, order=asked_in, predictions=predictions))
    table, compared = scores(found), differences(found)
    drawn = figures or out
    draw_results(table, drawn, title=f"{models[0].name}, {split} split")
    compared.to_csv(drawn / "differences.csv", index=False)
    print_results(Console(), table, compared)


def _check_place(place: Path, asked: Asked) -> None:
    """Raises ConfigError where the folder holds predictions that depend on something else."""
    path = place / ASKED
    if not path.exists():
        return
    try:
        there = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): name another --out, or delete {place}.") from error
    described = dataclasses.asdict(asked)
    differing = sorted(name for name in described if there.get(name) != described[name])
    require(
        not differing,
        f"{place} holds predictions that differ in {', '.join(differing)}: name another --out, or delete it.",
    )


def _claim(place: Path, asked: Asked) -> None:
    """Makes the folder for predictions of this kind."""
    place.mkdir(parents=True, exist_ok=True)
    (place / ASKED).write_text(json.dumps(dataclasses.asdict(asked), indent=1), encoding="utf-8")


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
