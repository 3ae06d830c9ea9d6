"""A folder of samples: `train.jsonl`, `validation.jsonl`, `test.jsonl`, and the pictures that they name."""

import hashlib
from pathlib import Path

from training.config import ConfigError
from vlm.sample import Sample, Split, read_samples


def read_split(folder: Path, split: Split) -> list[Sample]:
    """The samples of a split.

    Raises:
        SampleError: there are none, or a line of the file is no sample.
    """
    return read_samples(folder / f"{split}.jsonl")


def digest_of(folder: Path) -> str:
    """Twelve hex digits of the training samples: what a run is known by.

    Raises:
        ConfigError: the folder holds none.
    """
    try:
        with open(folder / "train.jsonl", "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:12]
    except OSError as error:
        raise ConfigError(
            f"{folder} holds no train.jsonl: name a folder that does, or write this one (`vlm world` draws samples, "
            "`vlm prepare` will make them of data sets)."
        ) from error
