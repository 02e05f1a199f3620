# SPDX-License-Identifier: GPL-3.0-or-later
"""Small regions are found as a flood fill finds them, which is slower and plain."""

import numpy as np
import pytest

from scan.regions import small_regions

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


@CONNECTIVITIES
@pytest.mark.parametrize("density", [0.05, 0.3, 0.41, 0.5, 0.6, 0.95])
def test_they_are_those_of_a_flood_fill(density, diagonal):
    """Around 0.41 and 0.59, where regions begin to span the picture, they have the most tangled shapes."""
    random = np.random.default_rng(round(density * 100))
    for _ in range(25):
        mask = random.random(random.integers(1, 40, 2)) < density
        for largest in (0, 1, 2, 5, 30, 2000):
            assert np.array_equal(
                small_regions(mask, largest, diagonal=diagonal), flood_fill(mask, largest, diagonal)
            ), (mask.astype(int), largest)
            assert np.array_equal(
                small_regions(mask, largest, diagonal=diagonal, enclosed=True),
                flood_fill(mask, largest, diagonal, enclosed=True),
            ), (mask.astype(int), largest)


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


@CONNECTIVITIES
def test_the_picture_that_was_given_stays_as_it_is(diagonal):
    mask = np.random.default_rng(1).random((30, 40)) < 0.5
    before = mask.copy()
    result = small_regions(mask, 10, diagonal=diagonal)
    assert (result.shape, result.dtype) == (mask.shape, np.bool_)
    assert np.array_equal(mask, before)
    assert not (result & ~mask).any()
