# SPDX-License-Identifier: GPL-3.0-or-later
"""The hull holds all of the object; wrong masks move its bound only where there are many of them."""

from dataclasses import replace

import numpy as np
import pytest
from mesh_scenes import AWAY, SOLID, SPHERE, THREADS, pose, shots, view_from

from scan.common.errors import NoModelError
from scan.meshing.extract import extract
from scan.meshing.hull import UNSEEN, Outline, distances_to, grid_around, hull_on
from scan.views.shots import RANKS
from scan.views.surface import is_closed, volume

PIXEL = AWAY / 266
"""Of these views, on the object."""


@pytest.fixture(scope="module")
def outlines():
    return [each.outline for each in shots()]


def on_the_solid(count=3000):
    """Points of the object's surface."""
    random = np.random.default_rng(1)
    points = random.normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points[np.abs(SOLID.distances(points)) < 1e-6].astype(np.float32)


def black(outline):
    """The same view with a mask that keeps nothing."""
    return replace(outline, distances=np.full_like(outline.distances, -32))


def test_the_hull_holds_the_object_and_is_not_much_larger(outlines):
    least = distances_to(outlines, on_the_solid())[:, 0]
    assert least.min() > -0.5 * PIXEL
    assert np.median(least) < 5 * PIXEL
    outside = distances_to(outlines, np.float32([[1.4, 0, 0], [0, -1.3, 0], [0, 0, 1.5], [9, 9, 9]]))[:, 0]
    assert (outside < -2 * PIXEL).all()


def test_on_the_outline_it_is_exact():
    """In a plane through the camera's axis, a point off the sphere's outline is as far from it as the hull says."""
    view = shots(SPHERE)[0].outline.view
    away = view.position / np.linalg.norm(view.position)
    rim, height = np.sqrt(1 - 1 / AWAY**2), 1 / AWAY
    aside = view.rotation[0]
    for off in (-0.2, -0.05, 0.05, 0.2):
        slant = np.float32(height * away + rim * aside)  # a point of the outline, at a right angle to the ray there
        found = distances_to([shots(SPHERE)[0].outline], (slant * (1 + off))[None], 1)[0, 0]
        assert found == pytest.approx(-off, abs=0.02)


@pytest.mark.parametrize("spoilt", [[3], [0, 9]])
def test_one_or_two_masks_that_keep_nothing_leave_what_the_others_bound(outlines, spoilt):
    points = on_the_solid() * np.float32(0.999)
    some = [black(each) if number in spoilt else each for number, each in enumerate(outlines)]
    others = [each for number, each in enumerate(outlines) if number not in spoilt]
    bound = distances_to(some, points)
    assert (bound[:, 0] < -10 * PIXEL).all()
    np.testing.assert_allclose(bound[:, len(spoilt)], distances_to(others, points)[:, 0], atol=1e-5)
    assert bound[:, RANKS - 1].min() > -0.5 * PIXEL


def test_more_wrong_masks_than_that_cut_the_bound_away(outlines):
    some = [black(each) if number < RANKS else each for number, each in enumerate(outlines)]
    assert distances_to(some, on_the_solid())[:, -1].max() < 0


def test_the_least_distances_ascend_and_are_those_of_the_views(outlines):
    points = np.random.default_rng(2).uniform(-1.3, 1.3, (200, 3)).astype(np.float32)
    each = np.stack([distances_to([outline], points, 1)[:, 0] for outline in outlines], 1)
    np.testing.assert_array_equal(distances_to(outlines, points), np.sort(each, 1)[:, :RANKS])


def test_a_view_says_nothing_of_what_lies_beyond_the_photos_end_or_behind_it():
    view = view_from(pose(0, 0))
    full = np.full((view.height, view.width), 5.0, np.float32)
    sideways = [view.rotation.T @ np.float32(each) for each in ([-3, 0, 0], [0, -3, 0], [3, 0, 0], [0, 3, 0])]
    for edge, point in enumerate(sideways):
        ends = tuple(edge == number for number in range(4))
        open_ended = distances_to([Outline(view, full, ends)], point[None], 1)
        assert open_ended[0, 0] == np.float32(UNSEEN)
        assert distances_to([Outline(view, full)], point[None], 1)[0, 0] < 0
        others = distances_to([Outline(view, full, ends)], np.stack(sideways[:edge] + sideways[edge + 1 :]), 1)
        assert (others < 0).all()
    assert distances_to([Outline(view, full)], 3 * view.position[None], 1)[0, 0] == np.float32(UNSEEN)


def test_the_grid_holds_the_hull_and_no_more_than_that(outlines):
    samples = 60
    grid = grid_around(outlines, samples, THREADS)
    low, high = grid.origin, grid.origin + grid.step * (np.array(grid.shape) - 1)
    solid = on_the_solid()
    assert (solid > low + grid.step).all()
    assert (solid < high - grid.step).all()
    assert samples <= max(grid.shape) <= samples + 16
    assert (high - low).max() < 3.2


def test_the_bounds_surface_is_closed_around_the_object(outlines):
    grid = grid_around(outlines, 48, THREADS)
    surface = extract(hull_on(grid, outlines, THREADS, RANKS), grid)
    assert is_closed(surface)
    assert SOLID.distances(surface.vertices).min() > -grid.step
    assert 4.0 < volume(surface, surface.faces) < 1.5 * 4.2


def test_masks_without_anything_in_common_make_no_model(outlines):
    with pytest.raises(NoModelError, match=r"nothing in common.*contact sheet"):
        grid_around([black(each) for each in outlines], 48, THREADS)
