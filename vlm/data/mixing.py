"""From parts to the files of a split: each data set by its weight, all in one random order.

A row's place in the order is a hash of the seed, its data set and its number there. So the order is the same on every
machine and with any number of processes, and one data set more or less leaves the others in their order. Rows are
fetched from memory-mapped parts: what is held is 20 bytes a row, and one file of samples.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vlm.data.columns import SCHEMA
from vlm.data.errors import DataError
from vlm.data.manifest import File
from vlm.files import sha256_of

ROWS, GROUP = 16_384, 1_024
"""Of a file of samples, and of what is read together."""

EMBEDDED_ROWS, EMBEDDED_GROUP = 2_048, 64
"""The same where rows have their pictures with them: some 50 KB each."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """A data set in a mixture: its parts in their order, and how much of it is taken."""

    name: str
    parts: tuple[Path, ...]
    weight: float = 1.0
    cap: int | None = None


@dataclass(frozen=True)
class Order:
    """The rows of a split in their order: the number of a part, the row in it, and which copy of the row it is."""

    part: NDArray[np.int32]
    row: NDArray[np.int32]
    copy: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.part)


def ordered(shares: Sequence[Share], seed: int) -> tuple[Order, list[int]]:
    """The order of a split, and how many rows of each share are in it.

    A weight of 0.5 takes half of the rows, drawn at random; one of 2 takes each twice. A cap is applied after it.
    """
    columns: list[tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int16]]] = []
    first = 0
    for share in shares:
        counts = [rows_of(path) for path in share.parts]
        part = np.repeat(np.arange(first, first + len(counts), dtype=np.int32), counts)
        row = np.concatenate([np.zeros(0, np.int32), *(np.arange(count, dtype=np.int32) for count in counts)])
        first += len(counts)
        keys = _keys(f"{seed}|{share.name}", len(row))
        wanted = round(share.weight * len(row))
        wanted = wanted if share.cap is None else min(wanted, share.cap)
        taken = np.resize(np.argsort(keys, kind="stable"), wanted)  # from the beginning again where it is too short
        copy = (np.arange(len(taken)) // max(len(row), 1)).astype(np.int16)
        places = _mixed(keys[taken] + copy.astype(np.uint64))
        columns.append((places, part[taken], row[taken], copy))
    if not columns:
        return Order(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int16)), []
    places, parts, rows, copies = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.argsort(places, kind="stable")
    return Order(parts[order], rows[order], copies[order]), [len(column[0]) for column in columns]


def rows_of(part: Path) -> int:
    """How many rows a part has."""
    with pa.memory_map(str(part)) as file:
        return sum(batch.num_rows for batch in _batches(file))


def write_file(
    path: Path, order: Order, parts: Sequence[Path], schema: pa.Schema, group: int, pictures: Path | None
) -> File:
    """Writes the rows of a slice of the order.

    Args:
        pictures: folder of the pictures that are embedded; None leaves them where they are.

    Raises:
        DataError: a picture cannot be read.
    """
    table = fetched(order, parts)
    if pictures is not None:
        table = _embedded(table, pictures)
    beside = path.with_name(f"{path.name}.{os.getpid()}.partial")
    pq.write_table(
        table.replace_schema_metadata(schema.metadata),
        beside,
        row_group_size=group,
        compression="zstd",
        write_page_index=True,
    )
    digest = sha256_of(beside)
    beside.replace(path)
    return File(name=path.name, rows=len(order), sha256=digest)


def fetched(order: Order, parts: Sequence[Path]) -> pa.Table:
    """The rows themselves."""
    by_place = np.lexsort((order.row, order.part))
    found = []
    for number in np.unique(order.part):
        own = order.row[by_place][order.part[by_place] == number]
        with pa.memory_map(str(parts[number])) as file:
            start = 0
            for batch in _batches(file):
                here = own[(own >= start) & (own < start + batch.num_rows)] - start
                if len(here):
                    found.append(batch.take(pa.array(here)))
                start += batch.num_rows
    table = pa.Table.from_batches(found, SCHEMA).take(pa.array(np.argsort(by_place)))
    if not order.copy.any():
        return table
    ids = zip(table["id"].to_pylist(), order.copy.tolist(), strict=True)
    named = pa.array([f"{name}~{copy + 1}" if copy else name for name, copy in ids])
    return table.set_column(SCHEMA.get_field_index("id"), SCHEMA.field("id"), named)


def _embedded(table: pa.Table, pictures: Path) -> pa.Table:
    images = []
    for image in table["image"].to_pylist():
        try:
            images.append({"path": image["path"], "bytes": (pictures / image["path"]).read_bytes()})
        except OSError as error:
            path = pictures / image["path"]
            raise DataError(f"{path} cannot be read ({error}): bring it back, or begin in a new folder.") from error
    column = pa.array(images, SCHEMA.field("image").type)
    return table.set_column(SCHEMA.get_field_index("image"), SCHEMA.field("image"), column)


def _batches(file: pa.MemoryMappedFile) -> list[pa.RecordBatch]:
    reader = pa.ipc.open_file(file)
    return [reader.get_batch(number) for number in range(reader.num_record_batches)]


def _keys(name: str, count: int) -> NDArray[np.uint64]:
    """A random number for each row, of the name and its number alone."""
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return _mixed(np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start))


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): each bit depends on all."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = keys ^ (keys >> np.uint64(31))
    return mixed
