"""Boxes are read as they are written and as nothing else, and overlap as their areas say."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm.evaluate.metrics import boxes
from vlm.evaluate.metrics.boxes import best_box, exact_box_text, hits, iou, parse_box

share = st.floats(0, 1)
any_box = st.tuples(share, share, share, share).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("[0.10,0.20,0.30,0.40].", (0.1, 0.2, 0.3, 0.4)),
        ("It is at [ 0.1 , .2, 0.3, 1. ] here", (0.1, 0.2, 0.3, 1.0)),
        ("[0,0,1,1] or [0.5,0.5,1,1]", (0, 0, 1, 1)),
        ("[-0.02,0,1.01,1]", (-0.02, 0, 1.01, 1)),
        ("] [0,0,1,1]", (0, 0, 1, 1)),
        ("[0.5,0.5,0.5,0.5]", (0.5, 0.5, 0.5, 0.5)),
        ("[1e-3,0,1,1]", (0.001, 0, 1, 1)),
    ],
)
def test_a_box_is_what_stands_between_the_first_brackets(text, box):
    assert parse_box(text) == box


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.1,0.2,0.3,0.4",
        "[0.1,0.2,0.3,0.4",
        "[0.1,0.2,0.3]",
        "[0.1,0.2,0.3,0.4,0.5]",
        "[0.1 0.2 0.3 0.4]",
        "[a,b,c,d]",
        "[0,0,,1]",
        "[] [0,0,1,1]",
        "[[0,0,1,1]]",
        "[nan,0,1,1]",
        "[0,0,inf,1]",
        "[0,0,1e999,1]",
        "[0,0,1_0,1]",
        "[\u0660,0,1,1]",
        "[0.3,0,0.1,1]",
        "[0,0.3,1,0.1]",
    ],
)
def test_what_is_no_box_is_not_read_as_one(text):
    assert parse_box(text) is None


@given(st.text(alphabet="[],.0123456789-e nainf_ "))
def test_any_text_is_read_as_a_finite_box_in_order_or_as_none(text):
    box = parse_box(text)
    assert box is None or (all(map(math.isfinite, box)) and box[0] <= box[2] and box[1] <= box[3])


@given(any_box)
def test_a_box_is_read_back_to_the_last_digit(box):
    assert parse_box(exact_box_text(box)) == box


@pytest.mark.parametrize(
    ("a", "b", "overlap"),
    [
        ((0, 0, 1, 1), (0, 0, 1, 1), 1),
        ((0, 0, 1, 1), (0, 0, 1, 0.5), 0.5),
        ((0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1), 0),
        ((0, 0, 0.5, 0.5), (0.6, 0, 1, 0.5), 0),
        ((0, 0, 0.4, 0.4), (0.2, 0, 0.6, 0.4), 1 / 3),
        ((0.25, 0.25, 0.75, 0.75), (0, 0, 1, 1), 0.25),
        ((-1, 0, 1, 1), (0, 0, 1, 1), 0.5),
        ((0.5, 0.5, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5), 0),
    ],
)
def test_overlap_is_the_shared_area_over_the_whole(a, b, overlap):
    assert iou(a, b) == iou(b, a) == pytest.approx(overlap)


@given(any_box, any_box)
def test_overlap_is_symmetric_and_the_same_in_pixels(a, b):
    wide, high = 640, 480
    in_pixels = [(x1 * wide, y1 * high, x2 * wide, y2 * high) for x1, y1, x2, y2 in (a, b)]
    assert 0 <= iou(a, b) <= 1 + 1e-12
    assert iou(a, b) == iou(b, a)
    assert iou(*in_pixels) == pytest.approx(iou(a, b), abs=1e-6)


def test_half_an_overlap_is_no_hit_and_neither_is_a_box_that_could_not_be_read():
    whole = (0.0, 0.0, 1.0, 1.0)
    said = [(0.0, 0.0, 1.0, 0.5), (0.0, 0.0, 1.0, 0.51), None, whole]
    assert hits(said, [whole] * 4) == [0, 1, 0, 1]


@settings(max_examples=30)
@given(st.lists(any_box, min_size=1, max_size=6))
def test_the_best_box_hits_as_many_as_any_on_the_grid_or_any_true_one(truths):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxes, "STEP", 0.25)
        found = best_box(truths)
    ticks = [0, 0.25, 0.5, 0.75, 1]
    grid = [(a, b, c, d) for a in ticks for b in ticks for c in ticks for d in ticks if a < c and b < d]
    most = max(sum(hits([one] * len(truths), truths)) for one in [*grid, *truths])
    assert sum(hits([found] * len(truths), truths)) == most
