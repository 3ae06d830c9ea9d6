"""Checkpoints on benchmarks: predictions of each, and what they say of each other.

out/FAMILY-ORDER/BENCHMARK.jsonl        predictions, once a benchmark is done
out/FAMILY-ORDER/BENCHMARK.said         what has been said so far, until then
out/FAMILY-ORDER/asked.json             what they depend on: others have no place beside them
benchmarks.png, .pdf, .csv              scores of all models, and the best constant answers
differences.csv                         of models, paired, with their intervals

The last two are in the folder for figures, or in `out`. Where the models are of several pairs, such as two sizes, the
pair stands in front: out/PAIR-FAMILY-ORDER.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from backbones.pairs import FAMILIES, MODEL_TYPES
from training.config import ConfigError, require, require_choice
from training.run import require_folder
from vlm.checkpoint import files_of
from vlm.dataset import digest_of_manifest, is_prepared, open_split
from vlm.evaluate.answer import answer
from vlm.evaluate.benchmarks import benchmark_named
from vlm.evaluate.figure import draw_results
from vlm.evaluate.predictions import judge, read_predictions, write_predictions
from vlm.evaluate.table import Evaluated, differences, print_results, scores
from vlm.files import sha256_of
from vlm.model import VisionLanguageModel
from vlm.places import Place
from vlm.prompt import Order
from vlm.runs import Trained
from vlm.sample import Split
from vlm.samples import Samples
from vlm.vocabulary import read_vocabulary
from vlm.world.dataset import MANIFEST

ASKED = "asked.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What predictions depend on, beside the benchmark."""

    weights: str
    """SHA-256 of the checkpoint's files."""
    data: str
    """SHA-256 of the file of samples, and of what a world says of itself, which its pictures follow from."""
    order: Order
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
    named = [benchmark_named(name) for name in dict.fromkeys(benchmarks)]
    pairs = _pairs(models)
    places = [
        out / "-".join(filter(None, (pair, model.architecture.family, order or model.architecture.order)))
        for pair, model in zip(pairs, models, strict=True)
    ]
    for place in places:
        require(places.count(place) == 1, f"two of the models would be {place.name}: evaluate them into two folders.")
    everything = []
    for model, place in zip(models, places, strict=True):
        samples = open_split(model.data, split)
        asked = Asked(
            weights=_digest(files_of(model.checkpoint)),
            data=_digest_of_data(model.data, split),
            order=order or model.architecture.order,
            limit=limit,
        )
        _check_place(place, asked)
        own = {one.name: one.of(samples)[:limit] for one in named}
        _check_model(model, samples, [sample.image for some in own.values() for sample in some])
        everything.append((model, place, asked, samples, own))
    require(
        len({asked.data for _, _, asked, _, _ in everything}) == 1,
        "the models were trained on several data sets: name the one to ask all of them about with --data.",
    )
    found = []
    for pair, (model, place, asked, samples, own) in zip(pairs, everything, strict=True):
        loaded: VisionLanguageModel | None = None
        for benchmark in named:
            path = place / f"{benchmark.name}.jsonl"
            if not path.exists():
                loaded = loaded or model.load()
                _claim(place, asked)
                said = place / f"{benchmark.name}.said"
                texts = answer(loaded, benchmark, own[benchmark.name], samples.picture, order=asked.order, said=said)
                write_predictions(path, judge(benchmark, own[benchmark.name], texts))
                said.unlink()
            predictions = read_predictions(path)
            family = model.architecture.family
            found.append(Evaluated(pair=pair, family=family, order=asked.order, predictions=predictions))
    table, compared = scores(found), differences(found)
    drawn = figures or out
    draw_results(table, drawn, title=f"{', '.join(dict.fromkeys(model.name for model in models))}, {split} split")
    compared.to_csv(drawn / "differences.csv", index=False)
    print_results(Console(), table, compared)


def _pairs(models: Sequence[Trained]) -> list[str]:
    """The pair that each model is of; nothing where there is one alone. A checkpoint without its run does not say."""
    pairs = ["" if model.name in MODEL_TYPES else model.name for model in models]
    return pairs if len(set(pairs)) > 1 else [""] * len(pairs)


def _check_model(model: Trained, samples: Samples, images: Sequence[str]) -> None:
    """Raises ConfigError where a model cannot be compared or read, or one of these pictures is not there."""
    require_choice("the family of a model", model.architecture.family, FAMILIES)
    read_vocabulary(str(model.checkpoint))
    for image in dict.fromkeys(images):
        there = samples.has_picture(image)
        require(there, f"{samples.pictures.of(image)} is not there: copy, draw or prepare the data again.")


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


def _digest_of_data(folder: str, split: Split) -> str:
    """SHA-256 of samples, and of what a world says of itself; the digest of samples that were prepared."""
    if is_prepared(Place(folder)):
        return digest_of_manifest(Place(folder), split)
    return _digest(list(filter(Path.is_file, (Path(folder) / f"{split}.jsonl", Path(folder) / MANIFEST))))


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(bytes.fromhex(sha256_of(path)))
    return digest.hexdigest()
