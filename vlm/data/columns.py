"""The schema of samples as columns: Arrow in memory, Parquet on disk, and the features by which Hugging Face `datasets`
knows them.

`image` is a struct of `path` and `bytes`: a path alone where pictures stay where they are, and bytes where they are
embedded. Options of a question are texts or boxes, in a column of each. All other columns are named as in `Sample`.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from vlm.sample import Question, Region, Sample

T = TypeVar("T")

_TEXTS = pa.list_(pa.string())
_BOX = pa.list_(pa.float64())
_REGION = pa.struct({"box": _BOX, "phrase": pa.string(), "id": pa.string()})
_QUESTION = pa.struct(
    {
        "question": pa.string(),
        "answer": pa.string(),
        "options": _TEXTS,
        "option_boxes": pa.list_(_BOX),
        "kind": pa.string(),
        "id": pa.string(),
        "answers": _TEXTS,
    }
)
SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
        "task": pa.string(),
        "source": pa.string(),
        "caption": pa.string(),
        "references": _TEXTS,
        "boxes": pa.list_(_BOX),
        "regions": pa.list_(_REGION),
        "questions": pa.list_(_QUESTION),
        "matches": pa.bool_(),
        "replies": _TEXTS,
        "context": pa.string(),
        "prompt": pa.string(),
        "group": pa.string(),
        "known_as": _TEXTS,
        "answered": pa.bool_(),
        "as_published": pa.bool_(),
    }
)
_PLAIN = [name for name in SCHEMA.names if name not in ("image", "regions", "questions")]

READ = [name for name in SCHEMA.names if name != "image"] + ["image.path"]
"""Columns that a sample is made of: all but the bytes of its picture."""


def described(embedded: bool) -> pa.Schema:
    """The schema with what Hugging Face `datasets` wants to know: that the images are images."""
    from datasets import Features, Image  # takes seconds to import

    features = Features.from_arrow_schema(SCHEMA)
    features["image"] = Image(decode=embedded)
    return features.arrow_schema


def to_columns(samples: Sequence[Sample]) -> pa.RecordBatch:
    """Samples as a batch of rows, pictures by their paths."""
    columns: dict[str, list[Any]] = {name: [getattr(sample, name) for sample in samples] for name in _PLAIN}
    columns["image"] = [{"path": sample.image} for sample in samples]
    columns["regions"] = [[vars(region) for region in sample.regions] for sample in samples]
    columns["questions"] = [[_of_question(question) for question in sample.questions] for sample in samples]
    return pa.RecordBatch.from_pydict({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)


def from_columns(batch: pa.RecordBatch) -> Iterator[Sample]:
    """The reverse of `to_columns`. It goes by columns: row by row it would take nearly twice as long."""
    columns = {name: _values(batch[name]) for name in _PLAIN}
    columns["image"] = _values(batch["image"].field("path"))
    columns["regions"] = _grouped(batch["regions"], _regions(batch["regions"].flatten()))
    columns["questions"] = _grouped(batch["questions"], _questions(batch["questions"].flatten()))
    for row in zip(*columns.values(), strict=True):
        yield Sample(**dict(zip(columns, row, strict=True)))


def _of_question(question: Question) -> dict[str, Any]:
    boxes = [option for option in question.options if not isinstance(option, str)]
    options = () if boxes else question.options
    return {**vars(question), "options": options, "option_boxes": boxes}


def _regions(array: pa.StructArray) -> Iterator[Region]:
    for box, phrase, id in zip(*map(_values, array.flatten()), strict=True):
        yield Region(box=box, phrase=phrase, id=id)


def _questions(array: pa.StructArray) -> Iterator[Question]:
    for question, answer, texts, boxes, kind, id, answers in zip(*map(_values, array.flatten()), strict=True):
        yield Question(question=question, answer=answer, options=boxes or texts, kind=kind, id=id, answers=answers)


def _values(array: pa.Array) -> list[Any]:
    """What is in a column, lists as tuples."""
    if not pa.types.is_list(array.type):
        return list(array.to_pylist())
    return _grouped(array, _values(array.flatten()))


def _grouped(array: pa.ListArray, values: Iterable[T]) -> list[tuple[T, ...]]:
    """Values one after another, in the lists that they come from."""
    waiting = iter(values)
    return [tuple(itertools.islice(waiting, count)) for count in pc.list_value_length(array).to_pylist()]
