"""The order of a mixture: weights and caps to the row, and one order whatever else is in it."""

import dataclasses
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_vlm import SAMPLES

from vlm.data.columns import SCHEMA, from_columns, to_columns
from vlm.data.mixing import Share, fetched, ordered

SAMPLE = SAMPLES["captioning"]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A function that gives a file of so many samples of a name."""
    folder = tmp_path_factory.mktemp("parts")
    made = {}

    def part(name, count, batch=7):
        path = made.setdefault((name, count), folder / f"{name}-{count}.arrow")
        if not path.exists():
            some = [dataclasses.replace(SAMPLE, id=f"{name}{n}") for n in range(count)]
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
                for start in range(0, count, batch):
                    writer.write_batch(to_columns(some[start : start + batch]))
        return path

    return part


def ids_of(shares, seed=0):
    order, _ = ordered(shares, seed)
    paths = [path for share in shares for path in share.parts]
    return [sample.id for batch in fetched(order, paths).to_batches() for sample in from_columns(batch)]


def test_all_rows_of_all_parts_are_there_once_in_a_random_order(parts):
    shares = [Share(name="a", parts=(parts("a", 40), parts("b", 25))), Share(name="c", parts=(parts("c", 10),))]
    ids = ids_of(shares)
    assert sorted(ids) == sorted(
        [f"a{n}" for n in range(40)] + [f"b{n}" for n in range(25)] + [f"c{n}" for n in range(10)]
    )
    assert ids != sorted(ids)
    assert ids == ids_of(shares)
    assert ids != ids_of(shares, seed=1)


def test_another_data_set_leaves_the_others_in_their_order(parts):
    first = Share(name="a", parts=(parts("a", 40),))
    alone, with_others = ids_of([first]), ids_of([Share(name="c", parts=(parts("c", 30),)), first])
    assert [name for name in with_others if name.startswith("a")] == alone


@given(st.integers(0, 60), st.floats(0.01, 3.5), st.none() | st.integers(1, 90))
def test_weight_and_cap_hold_to_the_row(parts, count, weight, cap):
    share = Share(name="a", parts=(parts("a", count),), weight=weight, cap=cap)
    order, [kept] = ordered([share], 0)
    wanted = round(weight * count)
    assert kept == len(order) == (wanted if cap is None else min(wanted, cap))
    taken = Counter(order.row.tolist())
    assert not taken or max(taken.values()) - min(taken.get(n, 0) for n in range(count)) <= 1


def test_a_smaller_weight_takes_some_of_what_a_larger_one_takes(parts):
    def of(weight):
        return set(ids_of([Share(name="a", parts=(parts("a", 40),), weight=weight)]))

    assert of(0.25) < of(0.5) < of(1)


def test_a_row_that_is_taken_twice_has_two_ids(parts):
    ids = ids_of([Share(name="a", parts=(parts("a", 4),), weight=2.5)])
    assert len(ids) == len(set(ids)) == 10
    assert {"a0", "a0~2"} <= set(ids)
