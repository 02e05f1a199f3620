# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed distances of masks are those to the outline, exact to a small part of a pixel."""

import hypothesis_settings  # noqa: F401 - how property tests run
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan.meshing.distances import EDGE, REACH, signed_distances

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
def test_a_discs_distances_are_exact_to_an_eighth_of_a_pixel_and_near_its_edge_to_a_third(center, radius):
    found, true = found_and_true(center, radius)
    assert np.abs(found - true)[np.abs(true) > 3].max() < 0.12
    assert np.abs(found - true).max() < 0.3


@DISCS
def test_a_disc_is_where_its_distances_say(center, radius):
    found, true = found_and_true(center, radius)
    assert (np.sign(found) == np.sign(true))[np.abs(true) > 0.05].all()
    assert np.abs(found - true).mean() < 0.06
    assert np.abs(found - true).max() < 0.3


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


def by_trying(mask):
    """The same, from every pixel to every place between two pixels at which the outline is."""
    values = mask.astype(float) - EDGE
    places = []
    for axis in (0, 1):
        here, there = np.moveaxis(values, axis, 0)[:-1], np.moveaxis(values, axis, 0)[1:]
        at = np.argwhere((here > 0) != (there > 0)).astype(float)
        at[:, 0] += (here / np.where(here == there, 1, here - there))[(here > 0) != (there > 0)]
        places.append(at if axis == 0 else at[:, ::-1])
    found = np.concatenate(places)
    pixels = np.argwhere(np.ones_like(values, bool))
    nearest = np.linalg.norm(pixels[:, None] - found, axis=-1).min(1, initial=REACH).reshape(values.shape)
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
    np.testing.assert_allclose(signed_distances(mask.astype(np.float32)), by_trying(mask), atol=1e-3)
