"""Blank pictures: one colour has more than a share of all pixels, exactly."""

import numpy as np
import pytest
from PIL import Image

from vlm.data.blank import is_of_one_colour


def picture(*colours):
    """A row of pixels."""
    return Image.fromarray(np.array([colours], dtype=np.uint8))


WHITE, BLACK = (255, 255, 255), (0, 0, 0)


@pytest.mark.parametrize(("white", "is_blank"), [(20, True), (18, True), (17, False), (16, False), (0, True)])
def test_a_picture_is_blank_above_the_share_and_not_at_it(white, is_blank):
    assert is_of_one_colour(picture(*[WHITE] * white, *[BLACK] * (20 - white)), 0.85) == is_blank


def test_values_that_are_frequent_in_each_channel_need_not_make_a_colour():
    colours = [(9, 5, 5), (5, 9, 5), (5, 5, 9), *[(5, 5, 5)] * 17]
    assert not is_of_one_colour(picture(*colours), 0.85)  # 19 of 20 in each channel, 17 in all
    assert is_of_one_colour(picture(*colours), 0.8)


def test_it_finds_what_counting_all_colours_finds():
    chance = np.random.default_rng(0)
    for _ in range(200):
        pixels = (chance.random((6, 7, 3)) < chance.choice([0.01, 0.05, 0.1])).astype(np.uint8)
        counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)[1]
        assert is_of_one_colour(Image.fromarray(pixels), 0.85) == (counts.max() / counts.sum() > 0.85)


def test_less_than_half_cannot_be_asked_for():
    with pytest.raises(ValueError, match=r"at least 0\.5, not 0\.4"):
        is_of_one_colour(picture(WHITE), 0.4)
