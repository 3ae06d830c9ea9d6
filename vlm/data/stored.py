"""Samples as `vlm prepare` keeps them: Parquet that is memory-mapped, or streamed from an object store.

    manifest.json                     what they are: see `vlm.data.manifest`
    train-00000-of-00002.parquet      rows in a random order already, in groups that are read together

A group is decoded when a sample of it is asked for, and the last ones are remembered: memory does not grow with the
number of samples. A picture that is embedded is named by its path, its file and its row: `a.jpg@train-...parquet#12`.
"""

import functools
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL.Image import Image

from training.config import ConfigError, require
from vlm.data.columns import READ, from_columns
from vlm.data.manifest import Manifest, read_manifest
from vlm.pictures import PictureError, decode
from vlm.places import Place
from vlm.sample import Sample, Split
from vlm.samples import Numbers, Samples

REMEMBERED = 16
"""Groups of samples that are kept decoded."""

OPEN = 64
"""Files that are kept open."""


class Stored(Samples):
    """A split of a folder that was prepared.

    Raises:
        ConfigError: the folder has no such split, or cannot be read.
    """

    def __init__(self, folder: Place, split: Split) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        require(
            split in self.manifest.splits,
            f"{folder} has no {split} samples, but {', '.join(self.manifest.splits)}: name another split or folder.",
        )
        self.files = self.manifest.splits[split].files
        self.pictures = folder if self.manifest.embedded else folder.below(self.manifest.pictures)
        rows = self.manifest.group
        self._groups = [
            (file.name, group, min(rows, file.rows - group * rows))
            for file in self.files
            for group in range(-(-file.rows // rows))
        ]
        self._ends: Numbers = np.cumsum([count for *_, count in self._groups], dtype=np.int64)
        self._lock = threading.RLock()
        self._open = functools.lru_cache(OPEN)(self._opened)
        self._group = functools.lru_cache(REMEMBERED)(self._decoded)
        self._files_of_pictures = functools.lru_cache(REMEMBERED)(self._pictures_of_group)

    @property
    def ends(self) -> Numbers:
        return self._ends

    def at(self, number: int) -> Sample:
        group = int(np.searchsorted(self._ends, number, side="right"))
        start = int(self._ends[group - 1]) if group else 0
        with self._lock:
            return self._group(group)[number - start]

    def texts(self, name: str) -> Iterator[str]:
        for column in self._columns(name):
            yield from column.to_pylist()

    def parts(self) -> Numbers:
        counts = [
            np.maximum(*(pc.list_value_length(column).to_numpy() for column in pair))
            for pair in zip(self._columns("questions"), self._columns("regions"), strict=True)
        ]
        most: Numbers = np.concatenate([np.zeros(0), *counts]).astype(np.int64)
        return np.maximum(most, 1)

    def picture_file(self, image: str) -> bytes:
        path, embedded, place = image.rpartition("@")
        if not self.manifest.embedded or not embedded:
            return super().picture_file(image)
        name, _, row = place.rpartition("#")
        group, within = divmod(int(row), self.manifest.group)
        with self._lock:
            content: bytes | None = self._files_of_pictures(name, group)[within].as_py()
        if content is None:
            raise PictureError(f"{path} is not in {self.folder.of(name)}: prepare the data again.")
        return content

    def picture(self, image: str) -> Image:
        if self.manifest.embedded:
            return decode(self.picture_file(image), image)
        return super().picture(image)

    @property
    def picture_folder(self) -> Path | None:
        return None if self.manifest.embedded else super().picture_folder

    def picture_name(self, image: str) -> str:
        return image.rpartition("@")[0] if self.manifest.embedded else image

    def has_picture(self, image: str) -> bool:
        return self.manifest.embedded or super().has_picture(image)

    def _columns(self, name: str) -> Iterator[pa.ChunkedArray]:
        """A column of each file."""
        for file in self.files:
            with self._lock:
                column = self._read(file.name, None, [name])[name]
            yield column

    def _decoded(self, group: int) -> list[Sample]:
        name, within, _ = self._groups[group]
        batches = self._read(name, within, READ).to_batches()
        samples = [sample for batch in batches for sample in from_columns(batch)]
        if not self.manifest.embedded:
            return samples
        first = within * self.manifest.group
        return [replace(one, image=f"{one.image}@{name}#{first + n}") for n, one in enumerate(samples)]

    def _pictures_of_group(self, name: str, group: int) -> pa.ChunkedArray:
        return self._read(name, group, ["image.bytes"])["image"].combine_chunks().field("bytes")

    def _read(self, name: str, group: int | None, columns: list[str]) -> pa.Table:
        try:
            file = self._open(name)
            return file.read(columns) if group is None else file.read_row_group(group, columns)
        except (OSError, pa.ArrowInvalid) as error:
            raise ConfigError(f"{self.folder.of(name)} cannot be read ({error}): prepare the data again.") from error

    def _opened(self, name: str) -> pq.ParquetFile:
        if self.folder.is_local:
            file = pq.ParquetFile(self.folder.of(name), memory_map=True)
        else:
            file = pq.ParquetFile(self.folder.open(name), pre_buffer=True)
        rows = next(one.rows for one in self.files if one.name == name)
        if file.metadata.num_rows != rows:
            raise OSError(f"it has {file.metadata.num_rows:,} rows, and had {rows:,}")
        return file
