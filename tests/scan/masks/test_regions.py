# SPDX-License-Identifier: GPL-3.0-or-later
"""Small regions are found as a flood fill finds them, which is slower and plain."""

import hypothesis_settings  # noqa: F401 - how property tests run
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from scan.masks.regions import small_regions
from scan.masks.settings import MaskSettings, grow

CONNECTIVITIES = pytest.mark.parametrize("diagonal", [False, True], ids=["sides", "corners"])


def flood_fill(mask, largest, diagonal, enclosed=False):
    """The same, pixel by pixel."""
    last_row, last_column = (length - 1 for length in mask.shape)
    around = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y or x) and (diagonal or not (y and x))]
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    found = np.zeros_like(mask)
    while left:
        region = [left.pop()]
        for y, x in region:  # grows while it is gone through
            reached = {(y + down, x + right) for down, right in around} & left
            left -= reached
            region += reached
        at_border = any(y in {0, last_row} or x in {0, last_column} for y, x in region)
        if len(region) <= largest and not (enclosed and at_border):
            found[tuple(np.transpose(region))] = True
    return found


@st.composite
def masks(draw, longest=30):
    """Masks of every shape, and of every density.

    Around 0.41 and 0.59, where regions begin to span the picture, they have the most tangled shapes; tall ones are
    gone through in more than one band of rows.
    """
    if draw(st.booleans()):
        shape = st.tuples(st.integers(1, 9), st.integers(1, 9))
        return draw(st_numpy.arrays(np.bool_, shape, elements=st.booleans()))
    tall = st.tuples(st.integers(250, 530), st.integers(1, 3))
    shape = draw(st.tuples(st.integers(1, longest), st.integers(1, longest)) | tall)
    density = draw(st.sampled_from([0.05, 0.3, 0.41, 0.5, 0.6, 0.95]))
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(shape) < density


@CONNECTIVITIES
@settings(max_examples=100)
@given(mask=masks(), largest=st.sampled_from([0, 1, 2, 5, 30, 2000]) | st.floats(0, 50), enclosed=st.booleans())
def test_they_are_those_of_a_flood_fill(mask, largest, diagonal, enclosed):
    before = mask.copy()
    found = small_regions(mask, largest, diagonal=diagonal, enclosed=enclosed)
    assert (found.shape, found.dtype) == (mask.shape, np.bool_)
    assert np.array_equal(found, flood_fill(mask, largest, diagonal, enclosed))
    assert np.array_equal(mask, before), "the picture that was given stays as it is"


@given(mask=masks(), holes=st.integers(0, 40), islands=st.integers(0, 40), spare=st.integers(0, 500))
@example(mask=np.pad(np.pad(np.zeros((3, 3), np.bool_), 1, constant_values=True), 1), holes=9, islands=24, spare=0)
@example(mask=np.pad(np.pad(np.zeros((3, 3), np.bool_), 1, constant_values=True), 1), holes=8, islands=16, spare=0)
def test_holes_are_filled_first_and_islands_dropped_then(mask, holes, islands, spare):
    """Holes are enclosed and joined by their sides, islands by corners too; areas are shares of the whole picture."""
    pixels = mask.size + spare  # of which the mask may be a part
    given_as = MaskSettings(fill_holes=(holes + 0.5) / pixels * 100, drop_islands=(islands + 0.5) / pixels * 100)
    filled = mask | flood_fill(~mask, holes, diagonal=False, enclosed=True)
    expected = filled & ~flood_fill(filled, islands, diagonal=True)
    assert np.array_equal(given_as.mend(as_levels(mask), pixels), as_levels(expected))


@settings(max_examples=40)
@given(mask=masks(longest=16), steps=st.integers(1, 12))
def test_what_is_grown_is_a_disc_around_every_pixel(mask, steps):
    """How round the disc is, tests of masks show. Shrinking is the same, done to what is not set."""
    height, width = mask.shape
    dot = np.zeros((2 * steps + 1, 2 * steps + 1), np.bool_)
    dot[steps, steps] = True
    disc = grow(as_levels(dot), steps) > 0
    assert np.array_equal(disc, disc[::-1])
    assert np.array_equal(disc, disc.T)
    expected = np.zeros((height + 2 * steps, width + 2 * steps), np.bool_)
    for y, x in np.argwhere(mask):
        expected[y : y + 2 * steps + 1, x : x + 2 * steps + 1] |= disc
    expected = expected[steps:-steps, steps:-steps]
    assert np.array_equal(grow(as_levels(mask), steps), as_levels(expected))
    assert np.array_equal(grow(as_levels(~mask), -steps), as_levels(~expected))


def as_levels(mask):
    return np.where(mask, np.uint8(255), np.uint8(0))


@CONNECTIVITIES
def test_a_snake_is_one_region(diagonal):
    """Rows that are joined at alternate ends: the first and the last meet only at the end of a long way."""
    snake = np.zeros((41, 30), np.bool_)
    snake[::2] = True
    snake[1::4, -1] = snake[3::4, 0] = True
    area = int(snake.sum())
    assert np.array_equal(small_regions(snake, area, diagonal=diagonal), snake)
    assert not small_regions(snake, area - 1, diagonal=diagonal).any()


@CONNECTIVITIES
def test_the_limit_belongs_to_the_small(diagonal):
    mask = np.zeros((12, 20), np.bool_)
    mask[2:5, 3:7] = True  # 12 pixels
    mask[7:10, 10:15] = True  # 15
    for largest, count in ((11.99, 0), (12, 12), (12.5, 12), (14.99, 12), (15, 27), (1e9, 27)):
        assert small_regions(mask, largest, diagonal=diagonal).sum() == count


def test_a_corner_joins_only_where_it_is_asked_to():
    mask = np.eye(6, dtype=np.bool_)
    assert np.array_equal(small_regions(mask, 1, diagonal=False), mask)
    assert not small_regions(mask, 5, diagonal=True).any()
    assert np.array_equal(small_regions(mask, 6, diagonal=True), mask)
    assert np.array_equal(small_regions(mask[::-1], 6, diagonal=True), mask[::-1])


def test_what_ends_a_row_does_not_touch_what_begins_the_next():
    mask = np.zeros((3, 8), np.bool_)
    mask[0, 6:] = mask[1, :2] = True
    assert np.array_equal(small_regions(mask, 2, diagonal=True), mask)


@CONNECTIVITIES
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (30, 40)])
def test_empty_and_full_pictures(shape, diagonal):
    empty, full = np.zeros(shape, np.bool_), np.ones(shape, np.bool_)
    assert not small_regions(empty, 1e9, diagonal=diagonal).any()
    assert small_regions(full, full.size, diagonal=diagonal).all()
    assert not small_regions(full, full.size - 1, diagonal=diagonal).any()
