"""Pictures and what is known of them, as img2dataset writes "files": folders of some thousand, and a table of each.

<shard>/<key>.jpg       each picture that it could download
<shard>/<key>.json      what is known of it
<shard>.parquet         the same of all that it tried: one file instead of thousands, which is read if it is there

Where it was run for one list of pictures after the other, each run has a folder of its own, with shards that are named
alike: a shard is named by its path then (`coyo_0/00000`).
"""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from vlm.data.errors import DataError, RecordError
from vlm.data.records import Record, as_record

TOGETHER = 1_000
"""Rows of a table in memory."""


@dataclass(frozen=True)
class Shards:
    """See the module.

    Args:
        folder: that the shards are in.
        columns: of the tables, that are read.
    """

    folder: Path
    columns: Sequence[str]

    def names(self) -> list[str]:
        """All shards, by their paths below the folder, sorted. Folders without pairs are passed over.

        Raises:
            DataError: there is none.
        """
        found = sorted(self._below("")) if self.folder.is_dir() else []
        if not found:
            raise DataError(f"{self.folder} has no shards in it: download the pictures there with img2dataset.")
        return found

    def length(self, name: str) -> int:
        """Records of a shard."""
        if self._table(name).exists():
            with self._opened(name) as table:
                return int(table.metadata.num_rows)
        return len(self._files(name))

    def records(self, name: str) -> Iterator[Record | RecordError]:
        """As many records as the shard is long, in the same order each time. What is no object is a RecordError.

        Raises:
            DataError: a table cannot be read.
        """
        if self._table(name).exists():
            yield from self._rows(name)
        else:
            yield from map(_read, self._files(name))

    def _below(self, name: str) -> Iterator[str]:
        """The shards in a folder, or itself if it is one."""
        folders = []
        has_picture = has_record = False
        has_table = bool(name) and self._table(name).exists()
        with os.scandir(self.folder / name) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                has_picture = has_picture or entry.name.endswith(".jpg")
                has_record = has_record or _is_record(entry.name)
                if name and has_picture and (has_record or has_table):
                    yield name  # without a look at the thousands of other files
                    return
                if entry.is_dir():
                    folders.append(f"{name}/{entry.name}" if name else entry.name)
        if folders:
            for folder in folders:
                yield from self._below(folder)
        elif name and (has_record or has_table):
            yield name

    def _rows(self, name: str) -> Iterator[Record]:
        with self._opened(name) as table:
            number = 0
            for batch in table.iter_batches(batch_size=TOGETHER, columns=list(self.columns)):
                for fields in batch.to_pylist():
                    number += 1
                    yield Record(f"{self._table(name)}, row {number:,}", fields)

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[Any]:
        path = self._table(name)
        try:
            with pyarrow.parquet.ParquetFile(path) as table:
                missing = [column for column in self.columns if column not in table.schema_arrow.names]
                if missing:
                    raise DataError(f"{path} has no {' and no '.join(missing)}: remove it to have the JSON files read.")
                yield table
        except (OSError, pyarrow.ArrowException) as error:
            why = " ".join(str(error).split())  # some are several lines
            raise DataError(f"{path} cannot be read ({why}): remove it to have the JSON files read.") from error

    def _table(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def _files(self, name: str) -> list[Path]:
        return sorted(path for path in (self.folder / name).iterdir() if _is_record(path.name))


def _is_record(name: str) -> bool:
    """Whether a file says what is known of a picture. Those of a run tell about shards."""
    return name.endswith(".json") and not name.startswith(".") and not name.endswith("_stats.json")


def _read(path: Path) -> Record | RecordError:
    try:
        return as_record(json.loads(path.read_bytes()), str(path))
    except RecordError as error:
        return error
    except (OSError, ValueError, RecursionError) as error:
        return RecordError(f"{path}: it cannot be read ({error}).")
