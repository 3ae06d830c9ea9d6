"""The schema of samples as columns: Arrow in memory, Parquet on disk, and the features by which Hugging Face `datasets`
knows them.

`image` is a struct of `path` and `bytes`: a path alone where pictures stay where they are, and bytes where they are
embedded. Options of a question are texts or boxes, in a column of each. All other columns are named as in `Sample`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from vlm.sample import Box, Question, Region, Sample

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
_TUPLES = ("references", "replies", "known_as")

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
    """The reverse of `to_columns`."""
    for row in batch.to_pylist():
        image = row.pop("image")
        row["regions"] = tuple(Region(**{**region, "box": _box(region["box"])}) for region in row["regions"])
        row["questions"] = tuple(_question(question) for question in row["questions"])
        row["boxes"] = tuple(map(_box, row["boxes"]))
        for name in _TUPLES:
            row[name] = tuple(row[name])
        yield Sample(image=image["path"], **row)


def _of_question(question: Question) -> dict[str, Any]:
    boxes = [option for option in question.options if not isinstance(option, str)]
    options = () if boxes else question.options
    return {**vars(question), "options": options, "option_boxes": boxes}


def _question(row: dict[str, Any]) -> Question:
    boxes = row.pop("option_boxes")
    options = tuple(map(_box, boxes)) if boxes else tuple(row["options"])
    return Question(**{**row, "options": options, "answers": tuple(row["answers"])})


def _box(numbers: Sequence[float]) -> Box:
    x1, y1, x2, y2 = numbers
    return x1, y1, x2, y2
