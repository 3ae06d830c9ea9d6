"""Packing: every sample once, nothing above capacity, rows alike, and the tensors that keep samples apart."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_vlm import SAMPLES

from vlm.packing import NO_DOCUMENT, PADDING, batch_of, pack
from vlm.prompt import PATCH, UNSCORED, Layout, lay_out
from vlm.vocabulary import read_vocabulary
from vlm.world.scene import make_scene
from vlm.world.tasks import samples_of

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=30)


def first_fit_decreasing(lengths, capacity):
    """How many rows it needs."""
    rows = []
    for length in sorted(lengths, reverse=True):
        place = next((r for r, used in enumerate(rows) if used + length <= capacity), None)
        if place is None:
            rows.append(length)
        else:
            rows[place] += length
    return len(rows)


@st.composite
def drawn_layouts(draw):
    """Any ids and labels, with patches in most of them."""
    number = st.integers(1, 9) | st.just(PATCH)
    ids = draw(st.lists(st.lists(number, min_size=1, max_size=12), min_size=1, max_size=10))
    labels = [[n if n > 4 else UNSCORED for n in some] for some in ids]
    return [Layout(SAMPLES["vqa"], tuple(some), tuple(their), ()) for some, their in zip(ids, labels, strict=True)]


@given(lengths, st.integers(1, 100))
def test_every_sample_has_one_place_in_a_row_that_is_not_too_long(lengths, capacity):
    rows = pack(lengths, capacity)
    assert sorted(n for row in rows for n in row) == list(range(len(lengths)))
    assert all(row == sorted(row) for row in rows)
    assert all(sum(lengths[n] for n in row) <= capacity or len(row) == 1 for row in rows)
    assert len(rows) <= first_fit_decreasing(lengths, capacity)
    assert pack(lengths, capacity) == rows


@given(lengths, st.integers(1, 400))
def test_rows_are_alike_wherever_that_fits(lengths, capacity):
    rows = pack(lengths, capacity)
    filled = [sum(lengths[n] for n in row) for row in rows]
    if sum(lengths) / len(rows) + max(lengths) <= capacity:
        assert max(filled) - min(filled) <= max(lengths)


@settings(deadline=None)
@given(drawn_layouts(), st.integers(1, 40))
def test_a_batch_holds_each_sample_as_it_was_laid_out(layouts, capacity):
    batch = batch_of(layouts, capacity)
    assert batch.samples == len(layouts)
    for n, layout in enumerate(layouts):
        place = batch.documents == n
        assert tuple(batch.ids[place].tolist()) == layout.ids
        assert tuple(batch.labels[place].tolist()) == layout.labels
        assert batch.positions[place].tolist() == list(range(len(layout.ids)))
        assert batch.starts[place].tolist() == [True] + [False] * (len(layout.ids) - 1)
        [(row, first)] = (place & batch.starts).nonzero().tolist()
        assert place[row, first : first + len(layout.ids)].all(), "in one piece"
    padding = batch.documents == NO_DOCUMENT
    assert (batch.ids[padding] == PADDING).all()
    assert (batch.labels[padding] == UNSCORED).all()
    # Padding is a document of its own: one start in each row that has some.
    assert torch.equal((padding & batch.starts).sum(1), padding.any(1).long())
    assert batch.useful == pytest.approx(sum(len(layout.ids) for layout in layouts) / batch.ids.numel())


@given(drawn_layouts(), st.integers(1, 40))
def test_images_are_listed_in_the_order_of_their_patches(layouts, capacity):
    batch = batch_of(layouts, capacity)
    in_order = batch.documents[batch.ids == PATCH].tolist()
    assert list(batch.images) == list(dict.fromkeys(in_order))
    assert set(batch.images) == {n for n, layout in enumerate(layouts) if PATCH in layout.ids}


def test_a_batch_of_the_world_is_useful_tokens_to_95_percent_and_was_far_less_with_padding():
    vocabulary = read_vocabulary("world")
    drawn = [sample for index in range(40) for sample in samples_of(make_scene(0, "train", index))]
    layouts = [lay_out(sample, "task-agnostic", vocabulary, (6, 6)) for sample in drawn]
    random.Random(0).shuffle(layouts)
    batches = [layouts[first : first + 64] for first in range(0, 256, 64)]
    assert min(batch_of(batch, 1024).useful for batch in batches) > 0.95
    assert max(batch_of(batch, 1).useful for batch in batches) < 0.75, "one sample a row"
