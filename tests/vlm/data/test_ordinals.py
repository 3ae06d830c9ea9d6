"""A record knows which of its file it is: data sets without ids of their own name their samples by it."""

import io

import pytest

from vlm.data.errors import RecordError
from vlm.data.records import json_records, line_records, table_records


@pytest.mark.parametrize(
    ("read", "text", "ordinals"),
    [
        (json_records, b'[{"a": 1}, 5, {"a": 2}]', [1, 3]),
        (json_records, b'{"x": {"a": 1}, "y": {"a": 2}}', [1, 2]),
        (line_records, b'{"a": 1}\n\nbroken\n{"a": 2}\n', [1, 4]),
        (table_records, b"a,b\n1,2\n3,4\n", [1, 2]),
    ],
)
def test_records_are_numbered_by_their_place_and_broken_ones_count(read, text, ordinals):
    records = [record for record in read(io.BytesIO(text), "file") if not isinstance(record, RecordError)]
    assert [record.ordinal for record in records] == ordinals
