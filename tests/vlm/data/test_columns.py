"""Samples as columns: nothing is lost, and what `datasets` reads is what was written."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_vlm import SAMPLES

from vlm.data.columns import SCHEMA, described, from_columns, to_columns
from vlm.sample import Question, Region, Sample

texts = st.text(st.characters(codec="utf-8"), max_size=12)
shares = st.floats(0, 1)
boxes = st.tuples(shares, shares, shares, shares).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)
options = st.lists(texts, max_size=3).map(tuple) | st.lists(boxes, min_size=1, max_size=3).map(tuple)
questions = st.builds(
    Question, question=texts, answer=texts, options=options, kind=texts, id=texts, answers=st.lists(texts).map(tuple)
)
samples = st.builds(
    Sample,
    id=texts,
    image=texts,
    task=st.just("vqa"),
    source=texts,
    caption=texts,
    references=st.lists(texts, max_size=3).map(tuple),
    boxes=st.lists(boxes, max_size=3).map(tuple),
    regions=st.lists(st.builds(Region, box=boxes, phrase=texts, id=texts), max_size=2).map(tuple),
    questions=st.lists(questions, min_size=1, max_size=3).map(tuple),
    matches=st.none() | st.booleans(),
    replies=st.lists(texts, max_size=2).map(tuple),
    context=texts,
    prompt=texts,
    group=texts,
    known_as=st.lists(texts, max_size=2).map(tuple),
    answered=st.booleans(),
    as_published=st.booleans(),
)


@given(st.lists(samples, max_size=4))
def test_every_field_comes_back(some):
    batch = to_columns(some)
    assert batch.schema == SCHEMA
    assert list(from_columns(batch)) == some


def test_samples_of_every_task_come_back():
    assert list(from_columns(to_columns(list(SAMPLES.values())))) == list(SAMPLES.values())


def test_no_field_of_a_sample_is_without_a_column():
    assert {field.name for field in dataclasses.fields(Sample)} == set(SCHEMA.names)
    inner = {field.name for field in SCHEMA.field("questions").type.value_type}
    assert {field.name for field in dataclasses.fields(Question)} | {"option_boxes"} == inner
    assert {field.name for field in dataclasses.fields(Region)} == {
        f.name for f in SCHEMA.field("regions").type.value_type
    }


@pytest.mark.parametrize("embedded", [False, True])
def test_datasets_is_told_that_images_are_images(embedded):
    from datasets import Features, Image

    schema = described(embedded)
    assert schema.names == SCHEMA.names
    assert Features.from_arrow_schema(schema)["image"] == Image(decode=embedded)
