# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed distances of masks are those to the outline, exact to a small part of a pixel."""

import hypothesis_settings  # noqa: F401 - how property tests run
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan.views.distances import EDGE, MIDDLE, NEAR, REACH, STEEP, signed_distances

_FINE = 16


def disc(width, height, center, radius):
    """A soft mask: how much of each pixel a disc covers, 0 to 255."""
    steps = (np.arange(_FINE) + 0.5) / _FINE
    x, y = (np.add.outer(np.arange(length), steps).ravel() for length in (width, height))
    inside = np.hypot(x - center[0], y[:, None] - center[1]) < radius
    return (255 * inside.reshape(height, _FINE, width, _FINE).mean((1, 3))).astype(np.float32)


def away(width, height, center, radius):
    """How far pixels' centres are from the disc's border, positive inside."""
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    return radius - np.hypot(x - center[0], y[:, None] - center[1])


DISCS = pytest.mark.parametrize(("center", "radius"), [((60.0, 50.0), 30.0), ((61.3, 48.7), 22.4), ((50.5, 50.5), 7.3)])


def found_and_true(center, radius):
    """The distances that are within the reach."""
    found, true = signed_distances(disc(120, 100, center, radius)), away(120, 100, center, radius)
    near = np.abs(true) < REACH - 1
    return found[near], true[near]


@DISCS
def test_a_discs_distances_are_exact_to_a_twentieth_of_a_pixel(center, radius):
    found, true = found_and_true(center, radius)
    assert np.abs(found - true).max() < 0.055
    assert np.abs(found - true)[np.abs(true) < radius / 2].max() < 0.05
    assert np.sqrt(np.square(found - true).mean()) < 0.02


@DISCS
def test_a_disc_is_where_its_distances_say(center, radius):
    found, true = found_and_true(center, radius)
    assert (np.sign(found) == np.sign(true))[np.abs(true) > 0.05].all()


@DISCS
def test_of_a_mask_that_is_not_soft_they_are_exact_to_half_a_pixel(center, radius):
    hard = np.where(disc(120, 100, center, radius) > EDGE, 255, 0).astype(np.float32)
    true = away(120, 100, center, radius)
    near = np.abs(true) < REACH - 1
    off = (signed_distances(hard) - true)[near]
    assert np.abs(off).max() < 0.51
    assert np.sqrt(np.square(off).mean()) < 0.34


def test_beyond_its_reach_a_distance_is_cut_off():
    found, true = signed_distances(disc(200, 150, (100, 75), 50)), away(200, 150, (100, 75), 50)
    assert (found[true > REACH + 1] == REACH).all()
    assert (found[true < -REACH - 1] == -REACH).all()
    assert np.abs(found).max() == REACH


def test_a_mask_that_keeps_nothing_or_everything_has_no_outline():
    assert (signed_distances(np.zeros((40, 50), np.float32)) == -REACH).all()
    assert (signed_distances(np.full((40, 50), 255, np.float32)) == REACH).all()


def test_a_pictures_own_end_is_no_outline():
    found = signed_distances(np.tile(np.float32([255] * 40 + [0] * 40), (30, 1)))
    np.testing.assert_allclose(found, np.tile(np.clip(40 - (np.arange(80) + 0.5), -REACH, REACH), (30, 1)), atol=1e-4)


def covered(away, across, down):
    """How much of a pixel is on one side of a line so far from its middle, across which is this direction."""
    ends = [(away + (i * across + j * down) / 2, i * j) for i in (1, -1) for j in (1, -1)]
    return sum(sign * np.maximum(end, 0) ** 2 for end, sign in ends) / (2 * across * down)


def pieces(values):
    """Middles (n × 2, row and column), directions across (n × 2) of the edge between neighbours of one row."""
    wide = np.pad(values, 1, mode="edge")
    slopes = np.zeros((2, values.shape[0], values.shape[1] - 1))
    for row in range(3):
        for column in range(4):
            part = wide[row : row + slopes.shape[1], column : column + slopes.shape[2]]
            weight = 2**0.5 if row == 1 else 1
            slopes[1] += (-1, -1, 1, 1)[column] * weight * part
            slopes[0] += (row - 1) * (1, 1 + 2**0.5, 1 + 2**0.5, 1)[column] * part
    found = []
    for row, column in np.argwhere((values[:, 1:] > 0) != (values[:, :-1] > 0)):
        here, there = values[row, column : column + 2]
        down, across = slopes[:, row, column] * np.sign(there - here)
        found.append((row, column, here, there, max(across, 1.0), down))
    row, column, here, there, across, down = np.array(found).reshape(-1, 6).T
    length = np.hypot(across, down)
    across, down = across / length, down / length
    low, high = np.zeros(len(row)), np.ones(len(row))
    share = 0.5 + np.minimum(np.abs(here), np.abs(there)) / (2 * EDGE)
    for _ in range(40):
        middle = (low + high) / 2
        less = covered(middle, across, np.maximum(np.abs(down), 1e-5)) < share - 1e-12
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    off = np.minimum(low / across, 0.5)
    past = np.where(np.abs(there) < np.abs(here), 1 - off, off)
    return np.stack([row, column], 1), past, np.stack([down, across], 1)


def by_trying(mask, slack):
    """The same, from every pixel to every piece; by ``slack`` more of them have a length."""
    values = mask.astype(float) - EDGE
    nearest = np.full(values.shape, float(REACH))
    for each, result in ((values, nearest), (values.T, nearest.T)):
        for (row, column), past, (down, across) in zip(*pieces(each), strict=True):
            y, x = np.arange(each.shape[0])[:, None] - row, np.arange(each.shape[1]) - column
            is_long = across > STEEP - slack and abs(past - 0.5) > MIDDLE - slack
            half = 0.5 / across if is_long else 0.0
            near = (np.abs(y) <= NEAR) & (x > -NEAR) & (x <= NEAR)
            along = np.clip((x - past) * -down + y * across, -half, half) * near
            np.minimum(result, np.hypot(x - past + along * down, y - along * across), out=result)
    return np.where(values > 0, nearest, -nearest)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(2, 40), st.integers(2, 40)),
    density=st.sampled_from([0.02, 0.3, 0.5, 0.98]),
)
def test_they_are_those_to_the_nearest_place_of_the_outline(seed, shape, density):
    random = np.random.default_rng(seed)
    mask = np.where(random.random(shape) < density, random.integers(128, 256, shape), random.integers(0, 128, shape))
    found = np.abs(signed_distances(mask.astype(np.float32)))
    short, long = (np.abs(by_trying(mask, slack)) for slack in (-1e-4, 1e-4))
    assert (found > long - 1e-3).all()
    assert (found < short + 1e-3).all()
    assert ((signed_distances(mask.astype(np.float32)) > 0) == (mask > EDGE)).all()
