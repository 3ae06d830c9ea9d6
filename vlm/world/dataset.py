"""A world on disk:

    world.json                    what it is: see `WorldManifest`
    train.jsonl                   samples (`vlm.sample`), by picture and then by source; also validation and test
    images/train/000000.png       pictures, size x size pixels
    unfinished.json               while it is drawn: what it will be

The same arguments give the same bytes with any number of workers, from the same versions of Python and Pillow. The
manifest comes last, so that a world that has one is complete.
"""

import dataclasses
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from training.config import ConfigError, conform, from_dict, require
from training.run import require_folder
from vlm.files import beside, replace_text, sha256_of
from vlm.sample import SPLITS, Sample, Split, write_samples
from vlm.world.drawing import draw
from vlm.world.scene import make_scene
from vlm.world.tasks import image_path, samples_of

VERSION = 1
"""Of what is drawn and asked. Any change to either is another world."""
MANIFEST, UNFINISHED = "world.json", "unfinished.json"
SMALLEST, LARGEST = 32, 1024


@dataclass(frozen=True, kw_only=True)
class WorldConfig:
    """What a world is a function of.

    Args:
        images: pictures of train.
        evaluation_images: pictures of each of validation and test.
        size: of a picture, in pixels along each side.
        seed: another seed is another world.

    Raises:
        ConfigError: a value is impossible.
    """

    images: int
    evaluation_images: int
    size: int = 96
    seed: int = 0
    version: int = VERSION

    def __post_init__(self) -> None:
        conform(self)
        require(self.images >= 1, f"a world has at least 1 picture to train on, not {self.images}.")
        require(self.evaluation_images >= 1, f"evaluation_images must be at least 1, not {self.evaluation_images}.")
        require(
            SMALLEST <= self.size <= LARGEST,
            f"the size of a picture lies between {SMALLEST} and {LARGEST:,} pixels, not at {self.size}.",
        )

    def pictures(self, split: Split) -> int:
        """How many a split has."""
        return self.images if split == "train" else self.evaluation_images


@dataclass(frozen=True, kw_only=True)
class WorldManifest:
    """What a world says of itself."""

    world: WorldConfig
    samples: dict[str, dict[str, int]]
    """Of each split and source."""
    sha256: dict[str, str]
    """Of the file of samples of each split."""


def make_world(
    out: Path,
    images: int,
    *,
    size: int = 96,
    seed: int = 0,
    evaluation_images: int | None = None,
    workers: int = 1,
) -> WorldManifest:
    """Draws a world into a folder, or what is missing of it there; does nothing where it is complete.

    Args:
        images: pictures of train.
        evaluation_images: pictures of each of validation and test; None for a twentieth of `images`, 50 at least.
        workers: processes that draw.

    Raises:
        ConfigError: a value is impossible, or the folder holds something else. Nothing has been written then.
    """
    if evaluation_images is None:
        evaluation_images = max(50, images // 20)
    config = WorldConfig(images=images, evaluation_images=evaluation_images, size=size, seed=seed)
    require(workers >= 1, f"a world is drawn by at least 1 worker, not {workers}.")
    require_folder(out, "the world")
    if (out / MANIFEST).exists():
        manifest = read_world(out)
        require(manifest.world == config, f"{out} holds another world ({_told(manifest.world)}): name a new folder.")
        return manifest
    plan = {"world": dataclasses.asdict(config)}
    if out.exists() and any(path.suffix != ".partial" for path in out.iterdir()):
        require((out / UNFINISHED).exists(), f"{out} is not empty and holds no world: name a new folder.")
        require(
            _read_json(out / UNFINISHED) == plan,
            f"{out} holds an unfinished world of other settings: name a new folder, or delete it.",
        )
    out.mkdir(parents=True, exist_ok=True)
    replace_text(out / UNFINISHED, _json(plan))
    manifest = _draw_all(out, config, workers)
    replace_text(out / MANIFEST, _json(dataclasses.asdict(manifest)))
    (out / UNFINISHED).unlink(missing_ok=True)
    return manifest


def read_world(folder: Path) -> WorldManifest:
    """What is known of the world in a folder.

    Raises:
        ConfigError: it holds none, or one that is unfinished, of another version, or damaged.
    """
    unfinished = (folder / UNFINISHED).exists() and not (folder / MANIFEST).exists()
    require(not unfinished, f"the world in {folder} is unfinished: give the `vlm world` that began it again.")
    require((folder / MANIFEST).is_file(), f"{folder} holds no world: draw one with `vlm world`.")
    read = _read_json(folder / MANIFEST)
    version = read["world"].get("version") if isinstance(read.get("world"), dict) else None
    require(
        version == VERSION,
        f"the world in {folder} is of version {version} and this is version {VERSION}: draw it anew in a new folder.",
    )
    try:
        manifest = from_dict(WorldManifest, read)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{folder / MANIFEST} is damaged: draw the world anew in a new folder.") from error
    for split in SPLITS:
        path = folder / f"{split}.jsonl"
        require(
            path.is_file() and sha256_of(path) == manifest.sha256.get(split),
            f"{path} is missing or not what was drawn: draw the world anew in a new folder.",
        )
        present = sum(1 for _ in (folder / "images" / split).glob("*.png"))
        require(
            present == manifest.world.pictures(split),
            f"{folder / 'images' / split} has {present:,} of {manifest.world.pictures(split):,} pictures: "
            "draw the world anew in a new folder.",
        )
    return manifest


def _draw_all(out: Path, config: WorldConfig, workers: int) -> WorldManifest:
    for split in SPLITS:
        (out / "images" / split).mkdir(parents=True, exist_ok=True)
    samples: dict[str, dict[str, int]] = {}
    sha256: dict[str, str] = {}
    total = sum(config.pictures(split) for split in SPLITS)
    # Processes of their own, not forks: a fork of a process in which torch has threads can hang.
    pool = multiprocessing.get_context("spawn").Pool(workers) if workers > 1 else nullcontext()
    with pool as processes, tqdm(total=total, desc="drawing", unit=" pictures", disable=None) as bar:
        for split in SPLITS:
            draw_one, indices = partial(_draw_one, out, config, split), range(config.pictures(split))
            drawn = processes.imap(draw_one, indices, chunksize=32) if processes else map(draw_one, indices)
            counts: Counter[str] = Counter()
            path = out / f"{split}.jsonl"
            unfinished = beside(path)
            write_samples(unfinished, _counted(drawn, counts, bar))
            os.replace(unfinished, path)
            samples[split], sha256[split] = dict(counts), sha256_of(path)
    return WorldManifest(world=config, samples=samples, sha256=sha256)


def _draw_one(out: Path, config: WorldConfig, split: Split, index: int) -> list[Sample]:
    """Writes a picture, unless an earlier session has; gives its samples."""
    scene = make_scene(config.seed, split, index)
    path = out / image_path(scene)
    if not path.exists():
        unfinished = beside(path)
        draw(scene, config.size).save(unfinished, format="PNG")
        os.replace(unfinished, path)
    return samples_of(scene)


def _counted(drawn: Iterable[list[Sample]], counts: Counter[str], bar: Any) -> Iterator[Sample]:
    for samples in drawn:
        counts.update(sample.source for sample in samples)
        yield from samples
        bar.update()


def _told(config: WorldConfig) -> str:
    return f"{config.images:,} pictures of {config.size} pixels, seed {config.seed}"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): draw the world anew in a new folder.") from error
