"""Any bytes are a value or one sentence; JSON and its lines are told apart by what they hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm.evaluate.files.contents import beginning_of, read_values
from vlm.evaluate.files.truth import FileError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("read") / "values.json"


@given(values, st.sampled_from([None, 1]), st.booleans())
def test_json_is_read_as_it_was_written(path, value, indent, marked):
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8-sig" if marked else "utf-8")
    assert read_values(path) == value


@given(st.lists(values, min_size=2), st.sampled_from(["\n", "\r\n", "\n\n", " \n\t\n"]), st.booleans())
def test_lines_are_a_list(path, some, end, is_escaped):
    path.write_bytes(
        "".join(json.dumps(value, ensure_ascii=is_escaped) + end for value in some).encode("utf-8", "ignore")
    )
    read = read_values(path)
    if is_escaped:
        assert read == some
    assert len(read) == len(some)


@given(
    st.binary()
    | st.text().map(lambda text: text.encode("utf-8", "ignore"))
    | values.map(lambda v: json.dumps(v)[:-1].encode())
)
def test_any_bytes_are_a_value_or_one_sentence(path, content):
    path.write_bytes(content)
    try:
        read_values(path)
    except FileError as error:
        assert str(path) in str(error) and len(str(error).splitlines()) == 1


@pytest.mark.parametrize("content", [b"[" * 100_000, b"1" * 5_000, b'{"a": 1}\n' + b"[" * 100_000])
def test_what_is_too_deep_or_too_large_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(FileError, match="is not JSON"):
        read_values(path)


@given(values)
def test_a_value_in_a_sentence_is_short(value):
    assert len(beginning_of(value)) <= 63 and "\n" not in beginning_of(value)
