"""Pickles: plain values of all protocols and of Python 2, and nothing else, whatever a file asks for."""

import collections
import copyreg
import datetime
import io
import os
import pickle
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from miniatures.python2 import Long, pickled

from vlm.data import pickles
from vlm.data.errors import DataError
from vlm.data.pickles import plain_value

RAN = []


def ran(*things):
    RAN.append(things)


class Calls:
    """Unpickled, it calls."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


class Plain:
    """A class like any other."""

    def __init__(self):
        self.name = "x"


@pytest.fixture
def extension():
    """A function that the interpreter knows by number, so that a pickle needs no name for it."""
    copyreg.add_extension("os", "system", 1)
    yield
    copyreg.remove_extension("os", "system", 1)


def loaded(data):
    return plain_value(io.BytesIO(data), "refs.p")


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner) | st.lists(inner, max_size=5).map(tuple) | st.dictionaries(st.text() | st.integers(), inner)
    ),
)


@given(values, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_values_come_back_at_every_protocol(value, protocol):
    assert loaded(pickle.dumps(value, protocol)) == value


def test_bytes_and_sets_come_back_where_a_protocol_has_them():
    for protocol in (4, 5):
        value = [b"\xff\x00" * 200, {1, "two", b"three"}, set()]
        assert loaded(pickle.dumps(value, protocol)) == value


@given(st.binary(), st.sampled_from([b"", b"\x80\x02", b"\x80\x04\x95", b"(dp0\n", b"]q\x00("]))
def test_any_bytes_are_plain_data_or_no_pickle(data, start):
    try:
        value = loaded(start + data)
    except DataError as error:
        assert str(error).startswith("refs.p ")
    else:
        assert type(value) in (dict, list, tuple, set, str, bytes, int, float, bool, type(None))


@given(values, st.integers(0, pickle.HIGHEST_PROTOCOL), st.data())
def test_a_pickle_that_is_cut_off_is_never_half_a_value(value, protocol, data):
    whole = pickle.dumps(value, protocol)
    with pytest.raises(DataError, match=r"refs\.p is no pickle, or is cut off \(.*\): download it again\."):
        loaded(whole[: data.draw(st.integers(0, len(whole) - 1))])


PYTHON_2 = [{"ref_id": Long(2**40), "split": "train", "sent": ["the 'café' of \"her\"", "the man", "x" * 300]}]


@pytest.mark.parametrize("protocol", [0, 2])
def test_what_python_2_wrote_is_read(protocol):
    value = [*PYTHON_2, {"ref_id": Long(-3), "split": "train", "box": [0.5, -1e300, 7, True, None]}]
    assert loaded(pickled(value, protocol)) == value


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"S'caf\\xc3\\xa9'\np0\n.", "café"),  # as protocol 0 wrote the bytes of UTF-8
        (b"S'caf\\xe9'\np0\n.", "café"),
        (b"\x80\x02U\x05caf\xc3\xa9.", "café"),
        (b"\x80\x02U\x04caf\xe9.", "café"),
        (b"\x80\x02T\x04\x00\x00\x00caf\xe9.", "café"),
        (b"Vcaf\xe9 \\u2014\n.", "café —"),
        (b"S'it\\'s \\n'\n.", "it's \n"),
    ],
)
def test_text_of_python_2_is_utf_8_or_else_latin_1(data, text):
    assert loaded(data) == text


ATTACKS = [
    Calls(ran, ("called",)),
    Calls(os.system, ("exit 1",)),
    Calls(eval, ("ran('evaluated')",)),
    Calls(copyreg._reconstructor, (Plain, object, None)),
    Calls(list, (), None, iter([1])),
    Plain(),
    Plain,
    collections.OrderedDict(a=1),
    datetime.date(2024, 9, 9),
    collections.Counter("aa"),
    1 + 2j,
    frozenset([1]),
    bytearray(b"x"),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_what_would_be_called_or_made_is_refused_before_it_is_looked_up(attack, protocol):
    RAN.clear()
    data = pickle.dumps([{"sent": "the man"}, attack], protocol)
    with pytest.raises(DataError, match=r"refs\.p holds more than plain data \([A-Z0-9_]+\), and could run a program"):
        loaded(data)
    assert not RAN


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("GLOBAL", b"cos\nsystem\n(S'exit 1'\ntR."),
        ("INST", b"(S'exit 1'\nios\nsystem\n."),
        ("OBJ", b"(NS'exit 1'\no."),
        ("STACK_GLOBAL", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x06exit 1\x85R."),
        ("REDUCE", b"N)R."),
        ("BUILD", b"}}b."),
        ("NEWOBJ", b"\x80\x02N)\x81."),
        ("NEWOBJ_EX", b"\x80\x04N)}\x92."),
        ("EXT1", b"\x80\x02\x82\x01."),
        ("EXT2", b"\x80\x02\x83\x01\x00."),
        ("EXT4", b"\x80\x02\x84\x01\x00\x00\x00."),
        ("PERSID", b"Pname\n."),
        ("BINPERSID", b"U\x04nameQ."),
        ("NEXT_BUFFER", b"\x80\x05\x97."),
        ("LONG4", b"\x80\x02\x8b\xff\xff\xff\x7f\x01."),
    ],
)
def test_each_instruction_that_could_do_more_is_refused_by_its_name(name, data, extension):
    with pytest.raises(DataError, match=rf"\({name}\)"):
        loaded(data)


@pytest.mark.parametrize(
    "data",
    [
        b"Nr\xff\xff\xff\xff.",  # a place in the memo far away: allowed, and no table is made for it
        b"Np99999999999\n.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",  # a frame that is longer than the file
    ],
)
def test_a_number_that_is_made_up_takes_no_memory(data):
    assert loaded(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",  # more bytes than there are
        b"}(" + b")" + b"\x85" * 100_000 + b"Nu.",  # a key whose hash would go 100,000 calls deep
        b"}])s.",
        b"}(]Nu.",
        b"\x80\x04\x8f(]\x90.",
        b"](NNu.",
        b"](N\x90.",
        b"}(NN\x90.",
        b"}NNNs.",
        b"}(Nu.",
        b"I" + b"9" * 5_000 + b"\n.",
        b"L0x" + b"f" * 5_000 + b"L\n.",
    ],
    ids=range(12),
)
def test_what_is_built_to_take_memory_or_the_stack_is_no_pickle(data):
    with pytest.raises(DataError, match="is no pickle, or is cut off"):
        loaded(data)


def test_a_value_may_hold_itself_and_be_shared():
    inner = ["shared"]
    value = [inner, inner]
    value.append(value)
    read = loaded(pickle.dumps(value))
    assert read[0] is read[1]
    assert read[2] is read


def test_any_depth_is_read():
    value = loaded(b"]" * 100_000 + b"a" * 99_999 + b".")
    depth = 1
    while value:
        (value,) = value
        depth += 1
    assert depth == 100_000


def test_a_file_that_is_far_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr(pickles, "LARGEST", 10)
    with pytest.raises(DataError, match=r"refs\.p is larger than 10 bytes"):
        loaded(pickle.dumps("x" * 20))
