# SPDX-License-Identifier: GPL-3.0-or-later
"""Views project and look up pixels by their centres; who sees what, and who is compared with whom."""

import numpy as np
import pytest
from mesh_scenes import AWAY, SPHERE, around, pose, ring, shot, sphere, view_from

from scan.meshing.neighbours import neighbours
from scan.meshing.visibility import cosines
from scan.views.raster import depth_map
from scan.views.surface import vertex_normals
from scan.views.view import bilinear, halved, rotated

VIEW = view_from(pose(40, 25, 10), width=64, height=48)


def test_what_a_pixel_shows_is_projected_to_its_centre():
    rows, columns = np.array([0, 10, 47]), np.array([0, 33, 63])
    depth = np.float32([3.0, 4.0, 5.5])
    x, y, again = VIEW.project(VIEW.to_world(depth, rows, columns))
    np.testing.assert_allclose(x, columns + 0.5, atol=1e-3)
    np.testing.assert_allclose(y, rows + 0.5, atol=1e-3)
    np.testing.assert_allclose(again, depth, atol=1e-5)


def test_rays_are_those_through_the_pixels_centres():
    rays = VIEW.rays()
    rows, columns = np.indices((48, 64)).reshape(2, -1)
    points = VIEW.to_world(np.full(len(rows), 2, np.float32), rows, columns)
    np.testing.assert_allclose(VIEW.to_camera(points).reshape(rays.shape), 2 * rays, atol=1e-5)


def test_rays_at_some_pixels_are_those_of_all():
    rows, columns = np.array([0, 5, 7]), np.array([3, 0, 9])
    np.testing.assert_array_equal(VIEW.rays_at(rows, columns), VIEW.rays()[:, rows, columns])


def test_a_halved_view_shows_the_same():
    half = VIEW.halved(1)
    points = np.random.default_rng(1).uniform(-1, 1, (50, 3)).astype(np.float32)
    for whole, part in zip(VIEW.project(points)[:2], half.project(points)[:2], strict=True):
        np.testing.assert_allclose(part, whole / 2, atol=1e-4)
    assert (half.width, half.height) == (32, 24)
    assert half.pixel_angle == pytest.approx(2 * VIEW.pixel_angle)
    np.testing.assert_allclose(np.linalg.norm(VIEW.position), AWAY, atol=1e-5)


@pytest.mark.parametrize("shape", [(7, 3), (4, 5, 3), (0, 3)])
def test_points_are_rotated_in_the_same_way_everywhere(shape):
    random = np.random.default_rng(0)
    points, matrix = random.normal(size=shape).astype(np.float32), random.normal(size=(3, 3)).astype(np.float32)
    found = rotated(matrix, points)
    np.testing.assert_allclose(found, np.moveaxis(points @ matrix.T, -1, 0), atol=1e-5)
    for row, (for_x, for_y, for_z) in zip(found, matrix, strict=True):
        in_turn = (points[..., 0] * for_x + points[..., 1] * for_y) + points[..., 2] * for_z
        np.testing.assert_array_equal(row, in_turn)


def test_between_pixels_a_picture_is_bilinear_and_beyond_its_border_even():
    x, y = np.meshgrid(np.arange(7) + 0.5, np.arange(5) + 0.5)
    ramp = (3 * x - 2 * y).astype(np.float32)
    at_x, at_y = np.random.default_rng(2).uniform([[0.5], [0.5]], [[6.5], [4.5]], (2, 200)).astype(np.float32)
    expected = 3 * at_x - 2 * at_y
    np.testing.assert_allclose(bilinear(ramp, at_x.copy(), at_y.copy()), expected, atol=0.01)
    out_x, out_y = np.float32([-5, 3.5, 30, 3.5, -9]), np.float32([2.5, -4, 2.5, 40, -9])
    border = [ramp[2, 0], ramp[0, 3], ramp[2, 6], ramp[4, 3], ramp[0, 0]]
    np.testing.assert_allclose(bilinear(ramp, out_x, out_y), border, atol=0.01)


def test_a_halved_picture_has_the_mean_of_each_four():
    picture = np.random.default_rng(3).uniform(0, 255, (8, 12)).astype(np.float32)
    assert halved(picture, 1)[1, 2] == pytest.approx(picture[2:4, 4:6].mean(), rel=1e-5)
    np.testing.assert_allclose(halved(picture, 2), halved(halved(picture, 1), 1))
    assert np.array_equal(halved(picture, 0), picture)


def test_a_view_sees_what_is_turned_to_it_and_not_hidden():
    surface = sphere()
    normals = vertex_normals(surface)
    seen = shot(SPHERE, pose(0, 0))
    cosine = cosines(surface, normals, seen.view, depth_map(surface, seen.view))
    towards = surface.vertices[:, 0]  # the camera looks along x
    assert (cosine[towards > 0.6] > 0.3).all()
    assert (cosine[towards < 0.2] == 0).all()
    assert cosine.max() == pytest.approx(1, abs=0.01)
    assert (np.diff(cosine[np.argsort(towards)][-50:]) > -0.02).all()
    half = cosines(surface, normals, seen.view, depth_map(surface, seen.view.halved(1)))
    assert ((half > 0) == (cosine > 0)).mean() > 0.98
    before_it = np.full((160, 160), AWAY - 1.5, np.float32)
    assert (cosines(surface, normals, seen.view, before_it) == 0).all()


def test_what_lies_beside_the_picture_is_not_seen():
    surface = sphere()
    view = view_from(pose(0, 0), width=80, height=80)
    near = type(view)(**{**vars(view), "focal_x": 3 * view.focal_x, "focal_y": 3 * view.focal_y})
    cosine = cosines(surface, vertex_normals(surface), near, depth_map(surface, near))
    x, y, _ = near.project(surface.vertices)
    beside = (x < 0) | (y < 0) | (x > 80) | (y > 80)
    assert (cosine[beside] == 0).all()
    assert (cosine > 0).any()


def test_neighbours_are_near_but_not_the_same_and_best_first():
    views = [view_from(at, f"{number}") for number, at in enumerate(ring(36))]  # 10 degrees apart
    chosen = neighbours(views, 4)
    for number, others in enumerate(chosen):
        apart = [min((other - number) % 36, (number - other) % 36) for other in others]
        assert sorted(apart) == [1, 1, 2, 2]
        assert apart[:2] == [2, 2]
    assert all(len(others) == 2 for others in neighbours(views, 2))


def test_a_view_without_any_near_it_has_no_neighbours():
    views = [view_from(at) for at in ring(4)]
    assert neighbours(views, 4) == [[], [], [], []]
    same = [view_from(pose(0, 0)), view_from(pose(1, 0))]
    assert neighbours(same, 4) == [[], []]


def test_views_of_the_same_side_come_first():
    views = [view_from(at, name) for at, name in zip(ring(4, whole=72), ("a/1", "a/2", "b/3", "a/4"), strict=True)]
    assert neighbours(views, 1)[1] == [0]
    assert neighbours(views, 2)[3] == [2, 1]
    assert neighbours([view_from(at, f"{number}") for number, at in enumerate(around())], 9)[0]
