"""Annotation files of any content: read as `json` reads them, or refused in a sentence that names file and record."""

import io
import itertools
import json
import re
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vlm.data import scanner
from vlm.data.errors import DataError, RecordError
from vlm.data.records import Record, as_record, json_records, line_records, table_records

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
WRITTEN = st.fixed_dictionaries(
    {"ensure_ascii": st.booleans(), "indent": st.sampled_from([None, 0, 40]), "separators": st.just((",", ":"))}
)
DOCS = st.lists(VALUES, min_size=1) | st.dictionaries(st.text(), VALUES, min_size=1)
CHUNKS = st.integers(1, 64)


def read(content, at=None, chunk=7, reads=json_records):
    """All records of a file that is read in pieces of this many bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanner, "CHUNK", chunk)
        given = (at,) if reads is json_records else ()
        return list(reads(io.BytesIO(content), "file.json", *given))


def values_of(found):
    """What was read, as (key, value); for what is no object its key or number alone."""
    return [(one.key, one.fields) if isinstance(one, Record) else str(one).partition(": ")[0] for one in found]


def expected(document):
    entries = document.items() if isinstance(document, dict) else enumerate(document, 1)
    named = [
        (key, value, key if isinstance(key, str) and key else f"record {n:,}")
        for n, (key, value) in enumerate(entries, 1)
    ]
    return [
        (key if isinstance(key, str) else "", value)
        if isinstance(value, dict)
        else f"file.json, {name}".partition(": ")[0]
        for key, value, name in named
    ]


def same(found, wanted):
    """NaN is no other NaN."""
    return repr(found) == repr(wanted)


@settings(max_examples=60)
@given(DOCS, WRITTEN, CHUNKS, st.sampled_from([b"", b"\xef\xbb\xbf"]))
@example([{"a": "é😀"}, 12, -1.5e-7, 10**40, "x"], {}, 1, b"\xef\xbb\xbf")
@example([1e5, 1e400, -1e400, {}], {}, 1, b"")
def test_the_outermost_array_or_object_is_read_as_json_reads_it(document, written, chunk, mark):
    found = read(mark + json.dumps(document, **written).encode(), chunk=chunk)
    assert same(values_of(found), expected(document))


@settings(max_examples=60)
@given(
    st.dictionaries(st.text(), VALUES),
    DOCS,
    WRITTEN,
    CHUNKS,
    st.randoms(),
)
def test_what_stands_under_a_key_is_read_wherever_the_key_is(others, document, written, chunk, random):
    entries = [*((key, value) for key, value in others.items() if key != "here"), ("here", document)]
    random.shuffle(entries)
    found = read(json.dumps(dict(entries), **written).encode(), "here", chunk)
    assert same(values_of(found), expected(document))


@pytest.mark.parametrize("number", ["1", "-0", "12.5", "1e5", "1E+5", "-1.25e-10", "true", "null", "NaN", "-Infinity"])
@pytest.mark.parametrize("chunk", range(1, 12))
def test_what_is_cut_by_the_end_of_a_chunk_is_read_on(number, chunk):
    found = read(f"[{number}, {number} ,{number}]".encode(), chunk=chunk)
    assert [str(one) for one in found] == [
        f"file.json, record {n}: it should be an object and is {json.dumps(json.loads(number))}." for n in (1, 2, 3)
    ]


DOCUMENTS = [
    ([{"a": 1, "b": [1.5, "é\n\\\U0001f600", None, True]}, {"c": {"d": -1e-7}}, 125e3], None),
    ({"first": {"a": -12.5}, "é": {"b": '"}{]['}}, None),
    ({"info": {"n": [1, 2]}, "list": [3], "here": [{"a": 12}, {"b": "x"}], "behind": [{"c": 1}], "n": 1e5}, "here"),
]


@pytest.mark.parametrize(("document", "at"), DOCUMENTS)
@pytest.mark.parametrize("ascii_alone", [True, False])
@pytest.mark.parametrize("chunk", [1, 5, 2**20])
def test_a_file_that_is_cut_off_anywhere_gives_what_is_whole_and_ends_in_a_sentence(document, at, ascii_alone, chunk):
    content = json.dumps(document, ensure_ascii=ascii_alone, indent=1).encode()
    wanted = [str(one) for one in read(content, at)]
    for length in range(len(content)):
        found = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scanner, "CHUNK", chunk)
            with pytest.raises(DataError) as refused:
                for one in json_records(io.BytesIO(content[:length]), "file.json", at):
                    found.append(str(one))
        assert found == wanted[: len(found)]
        said = str(refused.value)
        cut = r"ends too early, within|has '[.e]' where ',' should be, at"  # the latter where a number is cut
        assert re.fullmatch(rf"file\.json ({cut}) (.*record \d|its (beginning|end)): download it again\.", said), said
        if "within record" in said:
            assert f"within record {len(found) + 1}:" in said or f"within record {len(found)}:" in said


@settings(max_examples=60)
@given(
    st.binary(max_size=80), CHUNKS, st.sampled_from([None, "a"]), st.sampled_from([b"", b"[", b'{"a":[', b'{"a":{"b":'])
)
@example(b"\xff\xfe[\0]\0", 3, None, b"")
@example(b"\xef", 1, None, b"")
@example(b"\xef\xbb", 1, None, b"")
def test_garbage_ends_in_a_sentence(content, chunk, at, beginning):
    for reads in (json_records, line_records, table_records):
        try:
            found = read(beginning + content, at, chunk, reads)
        except DataError as error:
            assert str(error).startswith("file.json ")
            continue
        assert all(isinstance(one, Record | RecordError) for one in found)


def refusal_of(content, at=None, reads=json_records):
    with pytest.raises(DataError) as refused:
        read(content, at, reads=reads)
    return str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ends too early, within its beginning"),
        (b"null", "should hold a list or an object here, and does not, at its beginning"),
        (b'"x"', "should hold a list or an object here, and does not, at its beginning"),
        (b"<!DOCTYPE html>", "should hold a list or an object here, and does not, at its beginning"),
        (b"\x1f\x8b\x08\0", "should hold a list or an object here, and does not, at its beginning"),
        ('["a"]'.encode("utf-16"), "is not UTF-8, at its beginning"),
        (b"[{} {}]", "has '{' where ',' should be, at record 1"),
        (b"[{}, {},]", "is not JSON (Expecting value), at record 3"),
        (b'{"a": {}, 5: {}}', "has a key that is no text, at record 2"),
        (b"[{}] ]", "goes on behind its end, at record 1"),
        (b'{"a": {}}\n{"a": {}}\n', "goes on behind its end, at record 1"),
        ("[{},\u00a0{}]".encode(), "is not JSON (Expecting value), at record 2"),
        (b'[{"a": "\x01"}]', "is not JSON (Invalid control character at), at record 1"),
        (b"[{}, " + b"[" * 10_000 + b"]" * 10_000 + b"]", "is nested too deeply, at record 2"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(content, said):
    assert refusal_of(content) == f"file.json {said}: download it again."


def test_a_key_that_is_missing_is_named():
    assert refusal_of(b'{"images": []}', "annotations") == (
        "file.json has no 'annotations' in it: check that it is the file of its data set."
    )
    assert refusal_of(b"[]", "images") == "file.json has '[' where '{' should be, at its beginning: download it again."
    assert refusal_of(b'{"a": 5}', "a") == (
        "file.json should hold a list or an object here, and does not, at its beginning: download it again."
    )


def test_a_key_that_is_there_twice_is_refused_instead_of_half_read():
    assert refusal_of(b'{"a": [{}], "a": [{}]}', "a") == "file.json has 'a' twice, at its end: download it again."


@pytest.mark.parametrize("reads", [json_records, line_records])
def test_bytes_that_are_not_utf_8_break_the_record_they_are_in_and_no_other(reads):
    lines = [json.dumps({"name": f"n{number}", "other": 1}).encode() for number in range(5)]
    lines[3] = b'{"name": "caf\xe9", "other": 1}'
    found = read(b"[" + b",".join(lines) + b"]" if reads is json_records else b"\n".join(lines), reads=reads)
    assert [one.whole("other") for one in found] == [1] * 5
    assert [one.text("name") for one in found if one is not found[3]] == ["n0", "n1", "n2", "n4"]
    with pytest.raises(RecordError, match=r"file\.json, (record|line) 4: 'name' should be text and is \"caf.udce9\""):
        found[3].text("name")


HALVES = {"text": "a\ud800", "id": "\udfffb", "texts": ["a", "\ud800"]}


@pytest.mark.parametrize("field", HALVES)
def test_half_of_a_character_which_no_file_could_hold_is_refused(field):
    [record] = read(json.dumps([{field: HALVES[field]}]).encode())
    with pytest.raises(RecordError, match=f"file.json, record 1: '{field}' should be "):
        getattr(record, field)(field)


def test_two_halves_are_a_character():
    [record] = read(b'[{"a": "\\ud83d\\ude00"}]', chunk=1)
    assert record.text("a") == "\N{GRINNING FACE}"


def test_half_of_a_character_in_a_key_is_refused():
    [outer, nested] = read(b'{"\\ud800": {}, "b": {"\\udc00": {}}}')
    assert str(outer) == 'file.json, record 1: its key is not UTF-8, "\\ud800".'
    with pytest.raises(RecordError, match=r"file\.json, b: it has a key that is not UTF-8"):
        nested.record("\udc00")


@pytest.mark.parametrize("reads", [json_records, line_records])
def test_a_number_of_thousands_of_digits_breaks_its_record_and_no_other(reads):
    content = b'[{"a": 1}, {"a": %s}, {"a": 2}]' % (b"7" * 5000)
    if reads is line_records:
        content = content.strip(b"[]").replace(b", ", b"\n")
    first, large, last = read(content, chunk=2**20, reads=reads)
    assert (first.whole("a"), last.whole("a")) == (1, 2)
    for accessor in (large.whole, large.number, large.id):
        with pytest.raises(RecordError, match=r"(record|line) 2: 'a' should be a .* and is Infinity"):
            accessor("a")


WRONG = {
    "text": ({"text": [None, 1, True, [], {}]}, "text"),
    "whole": ({"whole": [None, "1", 1.0, True, [], {}, float("nan")]}, "a whole number"),
    "number": ({"number": [None, "1", True, [], {}, float("nan"), float("inf"), -float("inf"), 10**400]}, "a number"),
    "id": ({"id": [None, 1.5, True, [], {}]}, "a number or text"),
    "numbers": ({"numbers": [[None], ["1"], [True], [[]], [float("nan")], [1, 10**400]]}, "numbers"),
    "texts": ({"texts": [[None], [1], [[]]]}, "a list of texts"),
    "values": ({"values": [None, 1, "x", {}]}, "a list"),
}


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [(field, value, wanted) for field, (values, wanted) in WRONG.items() for value in values[field]],
)
def test_a_field_of_the_wrong_type_is_named_with_what_it_should_be(field, value, wanted):
    [record] = read(json.dumps([{field: value}]).encode())
    with pytest.raises(RecordError) as refused:
        getattr(record, field)(field)
    shown = json.dumps(value)[:60]
    assert str(refused.value) == f"file.json, record 1: '{field}' should be {wanted} and is {shown}."


@pytest.mark.parametrize("asked", ["text", "whole", "number", "id", "numbers", "texts", "values", "record", "records"])
def test_a_field_that_is_missing_is_named(asked):
    with pytest.raises(RecordError, match=r"^here: 'a' is missing\.$"):
        getattr(Record("here", {}), asked)("a")


def test_fields_of_the_right_type_are_given_as_they_are():
    record = Record("here", {"t": " é\0 ", "n": 5, "f": -0.5, "l": [1, 2.5], "ts": [" a"], "o": {"x": 1}, "os": [{}]})
    assert (record.text("t"), record.whole("n"), record.number("n"), record.number("f")) == ("é\0", 5, 5.0, -0.5)
    assert (record.id("n"), record.id("t"), record.numbers("l", 2), record.texts("ts")) == (
        "5",
        " é\0 ",
        [1.0, 2.5],
        [" a"],
    )
    assert (record.record("o").whole("x"), record.record("o").place) == (1, "here, o")
    assert [one.place for one in record.records("os")] == ["here, os 1"]
    with pytest.raises(RecordError, match=r"^here: 'l' should be 4 numbers and is \[1, 2.5\]\.$"):
        record.numbers("l", 4)
    with pytest.raises(RecordError, match=r"^here, o: it should be an object and is 1\.$"):
        Record("here", {"o": 1}).record("o")


DEEP = json.loads("[" * 900 + "]" * 900)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("é" * 10**6, '"' + r"\u00e9" * 9 + r"\u00e"),
        ([0] * 10**6, "[0, 0, 0"),
        (DEEP, "[[[["),
        ({b"a": 1}, "{}"),
        ({2}, '"{2}"'),
    ],
)
def test_only_the_beginning_of_a_value_is_shown_however_long_or_deep_it_is(value, shown):
    with pytest.raises(RecordError) as refused:
        Record("here", {"a": value}).whole("a")
    said = str(refused.value).removeprefix("here: 'a' should be a whole number and is ")
    assert said.startswith(shown)
    assert len(said) <= 61


def test_a_line_that_is_no_object_is_refused_and_the_others_are_read():
    content = (
        b'\xef\xbb\xbf{"a": 1}\n\n  \r\n[]\n{"a": \n{"a": 1} {"a": 2}\n {"a": 6} \r\n' + b"[" * 10_000 + b'\n{"a": 8}'
    )
    first, listed, cut, two, sixth, deep, last = read(content, reads=line_records)
    assert [(one.whole("a"), one.ordinal) for one in (first, sixth, last)] == [(1, 1), (6, 7), (8, 9)]
    assert str(listed) == "file.json, line 4: it should be an object and is []."
    assert str(cut).startswith("file.json, line 5: it is not JSON (Expecting value")
    assert str(two) == "file.json, line 6: it is not JSON (it goes on behind its end)."
    assert str(deep).startswith("file.json, line 8: it is not JSON (")


@settings(max_examples=60)
@given(st.lists(st.dictionaries(st.text(), VALUES), min_size=1), st.booleans())
def test_json_lines_are_read_as_json_reads_each(documents, ascii_alone):
    content = "".join(json.dumps(one, ensure_ascii=ascii_alone) + "\n" for one in documents).encode()
    assert same([one.fields for one in read(content, reads=line_records)], documents)


def test_rows_of_a_table_are_read_by_the_names_in_its_first_line():
    content = '\ufeffid,text\r\n1,"a, ""b""\nc"\r\n\r\n2,é\0\r\n'.encode()
    found = read(content, reads=table_records)
    assert [(row.ordinal, row.fields) for row in found] == [
        (1, {"id": "1", "text": 'a, "b"\nc'}),
        (2, {"id": "2", "text": "é\0"}),
    ]


def test_a_row_with_more_or_fewer_fields_than_names_is_refused_since_they_may_be_shifted():
    found = read(b"id,text\n1,a\n2,b,c\n3\n4,d\n", reads=table_records)
    assert [isinstance(one, Record) for one in found] == [True, False, False, True]
    assert str(found[1]) == "file.json, row 2: it has 3 fields, and the first line names 2."
    assert str(found[2]) == "file.json, row 3: it has 1 fields, and the first line names 2."


def test_a_row_that_is_not_utf_8_is_refused_and_the_others_are_read():
    first, second = read(b"id,text\n1,caf\xe9\n2,b\n", reads=table_records)
    assert second.text("text") == "b"
    with pytest.raises(RecordError, match="row 1: 'text' should be text"):
        first.text("text")


@pytest.mark.parametrize("tail", [b'2,"b', b"2," + b"x" * 200_000])
def test_a_table_that_is_cut_off_or_none_ends_in_a_sentence(tail):
    said = refusal_of(b"id,text\n1,a\n" + tail, reads=table_records)
    assert said.startswith("file.json is no table (")
    assert said.endswith(", at row 2): download it again.")


@pytest.mark.parametrize(
    ("content", "reads"),
    [
        (b"[]", json_records),
        (b" {} ", json_records),
        (b"", line_records),
        (b"\n \n", line_records),
        (b"", table_records),
        (b"id,text\n", table_records),
    ],
)
def test_a_file_without_a_record_is_refused_instead_of_passed_over(content, reads):
    assert refusal_of(content, reads=reads) == (
        "file.json holds no records: check that it is the file of its data set."
    )


class Endless(io.RawIOBase):
    """An array of so many records, which is nowhere in memory."""

    def __init__(self, record, count):
        self._pieces = itertools.chain(
            [b'{"a": ['], itertools.repeat(record + b",", count - 1), [record, b'], "b": [', record, b"]}"]
        )
        self._left = b""

    def readable(self):
        return True

    def readinto(self, buffer):
        while len(self._left) < len(buffer) and (piece := next(self._pieces, None)) is not None:
            self._left += piece
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


@pytest.mark.parametrize("at", ["a", "b"])
def test_memory_does_not_grow_with_the_file(at, monkeypatch):
    monkeypatch.setattr(scanner, "CHUNK", 2**14)
    record = json.dumps({"text": "x" * 2000, "numbers": list(range(100))}).encode()
    count = 4_000  # 10 MB
    tracemalloc.start()
    try:
        found = sum(1 for _ in json_records(io.BufferedReader(Endless(record, count)), "file.json", at))
        assert found == (count if at == "a" else 1)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_what_is_no_object_is_none():
    with pytest.raises(RecordError, match=r"^here: it should be an object and is \[1\]\.$"):
        as_record([1], "here")
