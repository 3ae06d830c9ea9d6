"""A folder of samples: the splits in it by number, and the pictures that they name.

    train.jsonl ...       samples as JSON lines (`vlm.sample`), pictures relative to the folder: `vlm world`
    manifest.json ...     samples as Parquet, pictures where the manifest says: `vlm prepare`, see `vlm.data.stored`

A folder of the second kind may also be the URL of an object store.
"""

import functools
import hashlib
from pathlib import Path

from training.config import ConfigError, require
from vlm.files import sha256_of
from vlm.places import Place
from vlm.sample import SPLITS, Split, read_samples
from vlm.samples import Listed, Samples

MANIFEST = "manifest.json"
"""Of samples that were prepared."""


def open_split(folder: str | Path, split: Split) -> Samples:
    """The samples of a split.

    Raises:
        ConfigError: there are none, a line of their file is none, or the folder cannot be reached.
    """
    place = Place(str(folder))
    if is_prepared(place):
        from vlm.data.stored import Stored  # Parquet takes its time to import

        return Stored(place, split)
    require(place.is_local, f"{folder} holds no {MANIFEST}: name the URL of a folder that `vlm prepare` made.")
    path = Path(folder) / f"{split}.jsonl"
    require(
        path.parent.is_dir(),
        f"{folder or 'that'} is no folder: name one of samples, which `vlm prepare` or `vlm world` made.",
    )
    try:
        stat = path.stat()
        known = (stat.st_size, stat.st_mtime_ns)
    except OSError:
        known = (0, 0)  # reading it says what is wrong
    return _listed(path, known)


def splits_of(folder: str | Path) -> dict[Split, Samples]:
    """All splits that a folder has.

    Raises:
        ConfigError: it has none, or one cannot be read.
    """
    place = Place(str(folder))
    if is_prepared(place):
        from vlm.data.manifest import read_manifest

        there = [split for split in SPLITS if split in read_manifest(place).splits]
    else:
        there = [split for split in SPLITS if place.is_local and Path(folder, f"{split}.jsonl").is_file()]
    require(bool(there), f"{folder} holds no samples: name a folder that `vlm prepare` or `vlm world` made.")
    return {split: open_split(folder, split) for split in there}


def is_prepared(place: Place) -> bool:
    """Whether a folder holds what `vlm prepare` made.

    Raises:
        ConfigError: it cannot be reached.
    """
    try:
        return place.has(MANIFEST)
    except ConfigError:
        raise
    except Exception as error:  # every kind of store raises its own
        raise ConfigError(f"{place} cannot be reached ({error}): check the URL, and what may read it.") from error


def digest_of(folder: str | Path) -> str:
    """Twelve hex digits of the training samples: what a run is known by.

    Raises:
        ConfigError: the folder holds none.
    """
    place = Place(str(folder))
    if is_prepared(place):
        return digest_of_manifest(place)
    try:
        return sha256_of(Path(folder) / "train.jsonl")[:12]
    except OSError as error:
        raise ConfigError(
            f"{folder} holds neither {MANIFEST} nor train.jsonl: name a folder that does, or write this one "
            "(`vlm world` draws samples, `vlm prepare` makes them of data sets)."
        ) from error


def digest_of_manifest(place: Place, split: Split = "train") -> str:
    """Twelve hex digits of the files of a split that was prepared.

    Raises:
        ConfigError: the manifest cannot be read, or tells of no such split.
    """
    from vlm.data.manifest import read_manifest

    splits = read_manifest(place).splits
    require(split in splits, f"{place} has no {split} samples: name another folder, or prepare them.")
    files = [file.sha256 for file in splits[split].files]
    return hashlib.sha256("".join(files).encode()).hexdigest()[:12]


@functools.lru_cache(4)
def _listed(path: Path, known: tuple[int, int]) -> Listed:
    """Read once, for as long as the file is the same."""
    return Listed(read_samples(path), Place(str(path.parent)))


def damaged(place: Place) -> list[str]:
    """Files of prepared samples that are not what was written, by their SHA-256; none of a folder of JSON lines."""
    if not is_prepared(place):
        return []
    from vlm.data.manifest import read_manifest

    files = [file for its in read_manifest(place).splits.values() for file in its.files]
    return [file.name for file in files if _sha256(place, file.name) != file.sha256]


def _sha256(place: Place, name: str) -> str:
    try:
        with place.open(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except OSError:
        return ""
