"""What a model is asked, looked at before anything long begins: its samples, its pictures, and the folder it writes to.

    out/FAMILY-ORDER/asked.json             what its predictions depend on: others have no place beside them
    out/FAMILY-ORDER/BENCHMARK.jsonl        predictions

Where the models are of several pairs, such as two sizes, the pair stands in front: out/PAIR-FAMILY-ORDER.
"""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from backbones.pairs import FAMILIES, MODEL_TYPES
from training.config import ConfigError, Precision, require, require_choice
from training.lock import Lock
from vlm.architecture import CONFIG
from vlm.checkpoint import files_of
from vlm.dataset import digest_of_manifest, is_prepared, open_split
from vlm.evaluate.benchmark import Benchmark, number_of
from vlm.evaluate.benchmarks import BENCHMARKS, benchmark_named
from vlm.evaluate.predictions import read_predictions
from vlm.evaluate.said import Said
from vlm.files import replace_text, sha256_of
from vlm.places import Place
from vlm.prompt import Order
from vlm.runs import Trained
from vlm.sample import Sample, Split
from vlm.samples import Samples
from vlm.vocabulary import FILE as TOKENIZER
from vlm.vocabulary import read_vocabulary
from vlm.world.dataset import MANIFEST

ASKED = "asked.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What predictions depend on, beside the benchmark. How many questions of it were asked is no part: more of them
    can be asked later."""

    model: str
    """SHA-256 of the checkpoint's files: weights, architecture and tokenizer."""
    data: str
    """SHA-256 of the file of samples, and of what a world says of itself, which its pictures follow from; of samples
    that were prepared, what their manifest says."""
    order: Order
    precision: Precision
    """One for both families, which the public implementation has not (D10)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sitting:
    """One model, and all that it is asked."""

    pair: str
    """Empty where there is one alone."""
    model: Trained
    place: Path
    asked: Asked
    samples: Samples
    """That pictures are opened by."""
    own: dict[str, list[Sample]]
    """By benchmark."""

    def predictions(self, benchmark: str) -> Path:
        """The file of predictions."""
        return self.place / f"{benchmark}.jsonl"

    def known(self, benchmark: str) -> dict[str, str]:
        """What it said before, by the id of the sample."""
        path = self.predictions(benchmark)
        return {one.id: one.prediction for one in read_predictions(path)} if path.exists() else {}

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Has the folder for predictions of this kind for this process alone.

        Raises:
            training.lock.TakenError: another process writes into it.
        """
        self.place.mkdir(parents=True, exist_ok=True)
        lock = Lock(self.place)
        lock.take()
        try:
            if not (self.place / ASKED).exists():
                replace_text(self.place / ASKED, json.dumps(dataclasses.asdict(self.asked), indent=1))
            yield
        finally:
            lock.release()


def sittings_of(
    models: Sequence[Trained],
    benchmarks: Sequence[str],
    out: Path,
    *,
    split: Split,
    order: Order | None,
    limit: int | None,
    one_expression: bool,
    precision: Precision,
) -> list[Sitting]:
    """All that is to be asked; nothing has been written.

    Args:
        benchmarks: names; none for all that the samples are of.
        order, limit, one_expression, precision: see `vlm.evaluate.evaluate.evaluate`.

    Raises:
        ConfigError, backbones.ModelError: something cannot be asked, or `out` holds something else.
    """
    named = [benchmark_named(name) for name in dict.fromkeys(benchmarks)]
    pairs = _pairs(models)
    orders = [order or model.architecture.order for model in models]
    places = [
        out / "-".join(filter(None, (pair, model.architecture.family, asked_in)))
        for pair, model, asked_in in zip(pairs, models, orders, strict=True)
    ]
    for place in places:
        require(places.count(place) == 1, f"two of the models would be {place.name}: evaluate them into two folders.")
    opened = {model.data: open_split(model.data, split) for model in models}
    own = {data: _own(samples, named, data, limit, one_expression) for data, samples in opened.items()}
    digests = {data: _digest_of_data(data, split) for data in opened}
    require(
        len(set(digests.values())) == 1,
        "the models were trained on several data sets: name the one to ask all of them about with --data.",
    )
    sittings = []
    for pair, model, place, asked_in in zip(pairs, models, places, orders, strict=True):
        data = model.data
        files = [*files_of(model.checkpoint), model.checkpoint / CONFIG, model.checkpoint / TOKENIZER]
        asked = Asked(model=_digest(files), data=digests[data], order=asked_in, precision=precision)
        sitting = Sitting(pair=pair, model=model, place=place, asked=asked, samples=opened[data], own=own[data])
        _check_place(sitting)
        require_choice("the family of a model", model.architecture.family, FAMILIES)
        read_vocabulary(str(model.checkpoint))
        sittings.append(sitting)
    for data, samples in opened.items():
        _check_pictures(samples, own[data])
    return sittings


def _own(
    samples: Samples, named: Sequence[Benchmark], data: str, limit: int | None, one_expression: bool
) -> dict[str, list[Sample]]:
    """What belongs to each benchmark."""
    own: dict[str, list[Sample]] = {}
    for benchmark in named or BENCHMARKS.values():
        some = benchmark.of(samples)
        require(
            bool(some) or not named,
            f"there are no samples of {benchmark.name} in {data}: name a folder that has some, such as one that "
            "`vlm prepare benchmarks` makes, or that `vlm world` draws.",
        )
        for sample in some:
            if not benchmark.can_be_sent(number_of(sample)):
                raise ConfigError(
                    f"sample {sample.id} of {benchmark.name} has no number, which its test server asks for: give "
                    "samples of your own a source of their own."
                )
        if one_expression and benchmark.task == "visual_grounding":
            some = _last_of_each(some)
        if some:
            own[benchmark.name] = some[:limit]
    require(bool(own), f"{data} has no samples of a benchmark: name one that `vlm prepare benchmarks` makes.")
    return own


def _last_of_each(samples: Sequence[Sample]) -> list[Sample]:
    """The expression with the highest number for each object that is referred to, as the public loader keeps the last
    of its file (D2). A region is named by both numbers: 40.112 is expression 112 for object 40."""
    last: dict[str, Sample] = {}
    for sample in samples:
        object_, _, _ = sample.regions[0].id.partition(".")
        there = last.get(object_)
        if there is None or _expression(there) < _expression(sample):
            last[object_] = sample
    kept = {id(sample) for sample in last.values()}
    return [sample for sample in samples if id(sample) in kept]


def _expression(sample: Sample) -> int:
    number = sample.regions[0].id.partition(".")[2]
    require(number.isdecimal(), f"sample {sample.id} does not say which expression it is: leave --one-expression out.")
    return int(number)


def _pairs(models: Sequence[Trained]) -> list[str]:
    """The pair that each model is of; nothing where there is one alone. Checkpoints without their run have one where
    their shape is that of a pair of the paper."""
    pairs = ["" if model.name in MODEL_TYPES else model.name for model in models]
    return pairs if len(set(pairs)) > 1 else [""] * len(pairs)


def _check_pictures(samples: Samples, own: dict[str, list[Sample]]) -> None:
    """Raises ConfigError where one of these pictures is not there; a store is not asked for thousands of them."""
    if samples.picture_folder is None:
        return
    for image in dict.fromkeys(sample.image for some in own.values() for sample in some):
        there = samples.has_picture(image)
        require(there, f"{samples.pictures.of(image)} is not there: copy, draw or prepare the data again.")


def _check_place(sitting: Sitting) -> None:
    """Raises ConfigError where the folder holds predictions that depend on something else, or answers more."""
    path = sitting.place / ASKED
    if not path.exists():
        return
    try:
        there = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): name another --out, or delete {sitting.place}.") from error
    described = dataclasses.asdict(sitting.asked)
    differing = sorted(name for name in described if there.get(name) != described[name])
    require(
        not differing,
        f"{sitting.place} holds predictions that differ in {', '.join(differing)}: name another --out, or delete it.",
    )
    for name, some in sitting.own.items():
        said = sitting.known(name) | Said(sitting.predictions(name)).read()
        others = said.keys() - {sample.id for sample in some}
        require(
            not others,
            f"{sitting.place} has answers to {len(others)} other questions of {name}: ask those too, or name another "
            "--out.",
        )


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
