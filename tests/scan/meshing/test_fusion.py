# SPDX-License-Identifier: GPL-3.0-or-later
"""Depths that agree pull the surface from the hull to where they are; the hull stays where nothing is seen."""

from types import SimpleNamespace

import numpy as np
import pytest
from mesh_scenes import SOLID, THREADS, shots

from scan.meshing.agreement import supported, weights_of
from scan.meshing.extract import extract
from scan.meshing.fusion import Fused, Weighted, fuse, smooth, trim
from scan.meshing.hull import distances_to, grid_around
from scan.meshing.neighbours import neighbours
from scan.meshing.sweep import DepthMap
from scan.views.surface import is_closed

BAND = 3.0
"""In steps of the grid."""


@pytest.fixture(scope="module")
def scene():
    """All that a fusion is given: a grid, outlines, true depths."""
    outlines = [each.outline for each in shots()]
    depths = [np.where(np.isfinite(each.seen.depth), each.seen.depth, 0) for each in shots()]
    grid = grid_around(outlines, 72, THREADS)
    return SimpleNamespace(outlines=outlines, depths=depths, grid=grid, band=BAND * grid.step)


def maps_of(scene, weight, shift=0.0):
    """True depths, moved by so much, of one weight."""
    return [
        Weighted(outline.view, np.where(depth > 0, depth + np.float32(shift), 0), np.float32(weight) * (depth > 0))
        for outline, depth in zip(scene.outlines, scene.depths, strict=True)
    ]


def surface_of(scene, maps):
    return extract(fuse(scene.grid, scene.outlines, maps, scene.band, THREADS).field, scene.grid)


def errors(surface):
    return np.abs(SOLID.distances(surface.vertices))


def on_the_bottom(points):
    """Whether points lie where the hollow is deepest."""
    (hollow,) = SOLID.hollows
    middle = np.array(hollow.center)
    return np.linalg.norm(points - middle * (1 - hollow.radius / np.linalg.norm(middle)), axis=1) < 0.2


def test_without_depths_the_surface_is_the_hulls(scene):
    fused = fuse(scene.grid, scene.outlines, maps_of(scene, 0.0), scene.band, THREADS)
    assert not fused.seen.any()
    places = np.argwhere(np.abs(fused.field) < 0.9 * scene.band)[::7]
    samples = (scene.grid.origin + scene.grid.step * places).astype(np.float32)
    hull = distances_to(scene.outlines, samples)[:, 0]
    near = np.abs(hull) < 0.8 * scene.band
    assert near.sum() > 500
    np.testing.assert_allclose(fused.field[tuple(places.T)][near], hull[near], atol=1e-4)


def test_sure_depths_pull_the_surface_into_the_hollow(scene):
    hull, found = surface_of(scene, maps_of(scene, 0.0)), surface_of(scene, maps_of(scene, 1.0))
    assert is_closed(found)
    assert errors(found).mean() < 0.25 * errors(hull).mean()
    assert errors(found).mean() < 0.5 * scene.grid.step
    assert (SOLID.hollows[0].distances(hull.vertices) < -0.1).sum() > 50
    assert (SOLID.hollows[0].distances(found.vertices) < -0.1).sum() < 5
    bottom = on_the_bottom(found.vertices)
    assert bottom.sum() > 20
    assert errors(found)[bottom].max() < scene.grid.step


def test_the_more_they_weigh_the_further_they_pull(scene):
    means = [errors(surface_of(scene, maps_of(scene, weight))).mean() for weight in (0.0, 0.03, 1.0)]
    assert means == sorted(means, reverse=True)
    assert means[0] > 2 * means[-1]


def test_depths_in_front_of_the_bound_do_not_move_it(scene):
    """All photos say that the object is larger than their outlines are: the outlines are right."""
    found = surface_of(scene, maps_of(scene, 1.0, shift=-0.3))
    bound = distances_to(scene.outlines, found.vertices)[:, -1]
    assert bound.min() > -3.5 * scene.grid.step
    assert is_closed(found)


def test_one_wrong_depth_map_among_many_moves_little(scene):
    maps = maps_of(scene, 1.0)
    maps[0] = maps_of(scene, 1.0, shift=0.15)[0]
    right, wrong = surface_of(scene, maps_of(scene, 1.0)), surface_of(scene, maps)
    assert errors(wrong).mean() < errors(right).mean() + 0.02


def noisy(shape):
    random = np.random.default_rng(1)
    x = np.linspace(-1, 1, shape[0])[:, None, None]
    return (0.3 * x + random.normal(0, 0.05, shape)).astype(np.float32)


def test_smoothing_draws_even_what_is_hardly_seen_and_keeps_what_is():
    field = noisy((24, 24, 24))
    rough = np.abs(np.diff(field, axis=1)).mean()
    unseen, seen = (
        smooth(Fused(field.copy(), np.full(field.shape, much, np.float32)), 1.0, 6, THREADS) for much in (0.0, 50.0)
    )
    inner = (slice(7, -7),) * 3
    assert np.abs(np.diff(unseen[inner], axis=1)).mean() < 0.2 * rough
    assert np.abs(seen - field)[inner].mean() < 0.5 * np.abs(unseen - field)[inner].mean()


def test_smoothing_leaves_what_is_beyond_the_band():
    field = noisy((20, 20, 20)) * 10
    result = smooth(Fused(field.copy(), np.zeros_like(field)), 0.5, 4, THREADS)
    np.testing.assert_array_equal(result[np.abs(field) > 0.5], field[np.abs(field) > 0.5])


def test_smoothing_is_the_same_from_either_end():
    """Slabs are worked on one by one; turned around, they begin at other places."""
    field, seen = noisy((75, 12, 12)), np.random.default_rng(2).uniform(0, 3, (75, 12, 12)).astype(np.float32)
    one = smooth(Fused(field, seen), 0.5, 6, THREADS)
    other = smooth(Fused(field[::-1].copy(), seen[::-1].copy()), 0.5, 6, THREADS)
    np.testing.assert_allclose(one, other[::-1], atol=1e-5)


def test_nothing_is_added_where_nothing_was_seen():
    field = noisy((12, 12, 12))
    seen = np.where(np.arange(12)[:, None, None] < 6, np.float32(0), np.float32(5)) + np.zeros_like(field)
    smoothed = field + np.random.default_rng(3).normal(0, 0.1, field.shape).astype(np.float32)
    result = smoothed.copy()
    trim(result, Fused(field, seen))
    np.testing.assert_array_equal(result[:6], np.minimum(smoothed, field)[:6])
    np.testing.assert_array_equal(result[6:], smoothed[6:])


@pytest.fixture(scope="module")
def agreed(scene):
    """The weights of a view's depths, and what they are made of."""
    views = [each.view for each in scene.outlines]
    near = neighbours(views, 4)
    wrong = slice(70, 85), slice(70, 85)  # in the middle of view 4
    depths = [each.copy() for each in scene.depths]
    depths[4][wrong] += 0.2
    maps = [DepthMap(depth, np.where(depth > 0, np.float32(0.9), 0)) for depth in depths]
    return SimpleNamespace(views=views, near=near, wrong=wrong, maps=maps)


def test_depths_that_neighbours_share_count_and_a_lone_wrong_one_hardly_does(agreed):
    weights = weights_of(4, agreed.views, agreed.maps, agreed.near[4], 0.02)
    wrong = np.zeros(weights.shape, bool)
    wrong[agreed.wrong] = True
    others = (agreed.maps[4].depth > 0) & ~wrong
    assert (weights[agreed.maps[4].depth == 0] == 0).all()
    assert np.median(weights[others]) > 0.5
    assert weights[wrong].max() < 0.1 * np.median(weights[others])
    assert weights.max() <= 1


def test_a_depth_that_the_photos_do_not_agree_on_does_not_count(agreed):
    unsure = [DepthMap(each.depth, np.minimum(each.score, np.float32(0.1))) for each in agreed.maps]
    assert not weights_of(4, agreed.views, unsure, agreed.near[4], 0.02).any()
    mixed = [*agreed.maps]
    mixed[4] = DepthMap(mixed[4].depth, mixed[4].score * np.float32(0.6))
    before, after = (weights_of(4, agreed.views, maps, agreed.near[4], 0.02) for maps in (agreed.maps, mixed))
    assert (after < before)[before > 0].all()


def test_neighbours_that_are_not_sure_have_no_say(agreed):
    unsure = [DepthMap(each.depth, np.minimum(each.score, np.float32(0.1))) for each in agreed.maps]
    unsure[4] = agreed.maps[4]
    alone = weights_of(4, agreed.views, agreed.maps, [], 0.02)
    np.testing.assert_array_equal(weights_of(4, agreed.views, unsure, agreed.near[4], 0.02), alone)


def test_without_neighbours_a_depth_counts_as_a_lone_one(agreed):
    alone = weights_of(4, agreed.views, agreed.maps, [], 0.02)
    shared = weights_of(4, agreed.views, agreed.maps, agreed.near[4], 0.02)
    assert 0 < alone.max() < 0.2 * shared.max()


def on_a_disc(share):
    """Weights of 0.5 for so large a share of the pixels of a disc, drawn by lot; and the disc's depths."""
    rows, columns = np.mgrid[-60:60, -60:60]
    depth = np.where(rows**2 + columns**2 < 50**2, np.float32(2), 0)
    chosen = np.random.default_rng(4).random(depth.shape) < share
    return np.where((depth > 0) & chosen, np.float32(0.5), 0), depth


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_depths_among_many_that_are_sure_count(share):
    weights, depth = on_a_disc(share)
    np.testing.assert_array_equal(supported(weights, depth), weights)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_depths_among_few_that_are_sure_do_not_count(share):
    assert not supported(*on_a_disc(share)).any()


def test_an_island_of_depths_that_are_sure_does_not_count():
    weights, depth = on_a_disc(1.0)
    island = np.zeros_like(weights)
    island[50:70, 50:70] = weights[50:70, 50:70]
    assert not supported(island, depth).any()


def test_depths_in_a_wide_sure_part_count_up_to_where_it_ends():
    weights, depth = on_a_disc(1.0)
    weights[:, 60:] = 0
    result = supported(weights, depth)
    assert (result[60, 15:30] == 0.5).all()
    assert (np.diff(result[60, 30:60]) <= 0).all()
    assert not result[:, 60:].any()
