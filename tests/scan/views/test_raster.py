# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps of meshes are what rays through the pixels' centres meet, triangle by triangle."""

from dataclasses import replace

import numpy as np
import pytest
from mesh_scenes import SPHERE, pose, shots, sphere, view_from

from scan.views.raster import depth_map, face_map, flat_map
from scan.views.surface import Surface

_CLOSE = 1e-3
"""Rays that pass an edge nearer than this, as a share of the triangle, may count to either side of it."""


def crumpled(times, strength):
    """A closed mesh that is no more convex; its faces cross one another, so that order counts."""
    surface = sphere(1.0, times)
    random = np.random.default_rng(times)
    scale = 1 + strength * random.uniform(-1, 1, (len(surface.vertices), 1))
    return Surface((surface.vertices * scale).astype(np.float32), surface.faces)


def rays_of(view):
    """The camera's place, and the rays through its pixels' centres in the world, n × 3, of depth 1."""
    columns, rows = np.meshgrid(np.arange(view.width) + 0.5, np.arange(view.height) + 0.5)
    u, v = (columns - view.center_x) / view.focal_x, (rows - view.center_y) / view.focal_y
    rays = np.stack([u, v, np.ones_like(u)], -1).reshape(-1, 3) @ view.rotation.astype(float)
    return -view.rotation.astype(float).T @ view.translation, rays


def by_rays(surface, view, *, far_side):
    """The depth of each pixel, and which of them a ray close to an edge decides."""
    origin, rays = rays_of(view)
    a, b, c = (surface.vertices.astype(float)[surface.faces[:, corner]] for corner in range(3))
    best = np.full(len(rays), -np.inf if far_side else np.inf)
    unsure = np.zeros(len(rays), bool)
    for start, one, other in zip(a, b - a, c - a, strict=True):
        across = np.cross(rays, other)
        turned = across @ one  # positive where the ray meets the outside of the triangle
        with np.errstate(divide="ignore", invalid="ignore"):
            first = across @ (origin - start) / turned
            side = np.cross(origin - start, one)
            second = rays @ side / turned
            depth = (other @ side) / turned
            least = np.minimum(np.minimum(first, second), 1 - first - second)
        facing = turned < 0 if far_side else turned > 0
        unsure |= facing & (np.abs(least) < _CLOSE)
        met = facing & (least >= 0)
        best = np.where(met & (depth > best if far_side else depth < best), depth, best)
    return np.where(np.isfinite(best), best, np.inf), unsure


VIEWS = {
    "whole": view_from(pose(30, 20), width=64, height=48),
    "partly outside": replace(view_from(pose(200, -40), width=64, height=48), center_x=10.0, center_y=42.0),
    "near": replace(view_from(pose(75, 10), width=40, height=56), translation=np.float32([0.1, 0, 1.9])),
}


@pytest.mark.parametrize("far_side", [False, True], ids=["near side", "far side"])
@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("times", [0, 1, 3], ids=["big", "middling", "small"])
def test_a_depth_map_is_what_rays_meet(times, name, far_side):
    surface, view = crumpled(times, 0.25), VIEWS[name]
    found = depth_map(surface, view, far_side=far_side).ravel()
    true, unsure = by_rays(surface, view, far_side=far_side)
    sure = ~unsure
    assert sure.mean() > 0.8
    assert np.isfinite(true[sure]).mean() > 0.1
    assert np.array_equal(np.isfinite(found)[sure], np.isfinite(true)[sure])
    both = sure & np.isfinite(true)
    np.testing.assert_allclose(found[both], true[both], rtol=2e-4)


def test_triangles_smaller_than_a_pixel_leave_no_holes():
    view = view_from(pose(10, 5), width=48, height=48)
    found = depth_map(sphere(1.0, 6), view)
    origin, rays = rays_of(view)
    true = SPHERE.depths(origin, rays).reshape(found.shape)
    rim = np.abs(np.linalg.norm(np.cross(rays, origin), axis=1) / np.linalg.norm(rays, axis=1) - 1) < 0.005
    sure = ~rim.reshape(found.shape)
    assert np.array_equal(np.isfinite(found)[sure], np.isfinite(true)[sure])
    np.testing.assert_allclose(found[sure], true[sure], atol=5e-3)


def test_a_long_thin_triangle_leaves_no_holes_in_a_picture_it_runs_across():
    corners = np.float32([[-9, -9, 0], [9.1, 9, 0], [-9, -8, 0], [9, 8.2, 0]])
    surface = Surface(corners, np.array([[0, 2, 1], [1, 2, 3]]))
    view = replace(VIEWS["whole"], rotation=np.eye(3, dtype=np.float32))
    found = depth_map(surface, view)
    true, unsure = by_rays(surface, view, far_side=False)
    other, unsure_too = by_rays(surface, view, far_side=True)
    assert np.isfinite(np.minimum(true, other)).mean() > 0.1
    either = np.isfinite(found) | np.isfinite(depth_map(surface, view, far_side=True))
    sure = ~(unsure | unsure_too)
    assert np.array_equal(either.ravel()[sure], np.isfinite(np.minimum(true, other))[sure])


def test_the_far_side_lies_behind_the_near_side():
    view = shots(SPHERE)[0].view
    near, far = depth_map(sphere(), view), depth_map(sphere(), view, far_side=True)
    met = np.isfinite(near) & np.isfinite(far)
    assert met.sum() > 0.95 * np.isfinite(near).sum()
    thick = far[met] - near[met]
    assert thick.min() >= -1e-4
    assert thick.max() == pytest.approx(2.0, abs=0.05)


def test_past_all_triangles_there_is_no_depth():
    view = replace(VIEWS["whole"], center_x=-900.0)
    assert np.isinf(depth_map(sphere(), view)).all()
    assert np.isinf(depth_map(sphere(), view, far_side=True)).all()


def test_at_each_pixel_the_nearest_face_is_seen():
    surface, view = crumpled(2, 0.25), VIEWS["whole"]
    depth, face = face_map(surface, view)
    np.testing.assert_array_equal(depth, depth_map(surface, view))
    np.testing.assert_array_equal(face >= 0, np.isfinite(depth))
    rows, columns = np.nonzero(face >= 0)
    points = view.to_world(depth[rows, columns], rows, columns)
    a, b, c = (surface.vertices[surface.faces[face[rows, columns]][:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    assert np.abs(((points - a) * normals).sum(1)).max() < 2e-3
    assert (((view.position - a) * normals).sum(1) > 0).all()


def flat_triangles():
    random = np.random.default_rng(6)
    corners = random.uniform(-6, 70, (40, 3, 2))
    corners[:30] = corners[:30, :1] + random.uniform(-9, 9, (30, 3, 2))
    return corners.astype(np.float32)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_flat_map_says_which_triangle_covers_a_texel(mirrored):
    corners = flat_triangles()[:, ::-1] if mirrored else flat_triangles()
    found = flat_map(corners[..., 0], corners[..., 1], 64)
    x, y = np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5)
    true = np.full((64, 64, len(corners)), False)
    unsure = np.zeros((64, 64), bool)
    for number, (a, b, c) in enumerate(corners.astype(float)):
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        weights = [
            ((one[0] - x) * (other[1] - y) - (other[0] - x) * (one[1] - y)) / area
            for one, other in ((b, c), (c, a), (a, b))
        ]
        least = np.min(weights, axis=0)
        true[..., number] = least >= 0
        unsure |= np.abs(least) < _CLOSE
    assert np.array_equal((found >= 0)[~unsure], true.any(-1)[~unsure])
    rows, columns = np.nonzero((found >= 0) & ~unsure)
    assert len(rows) > 500
    assert true[rows, columns, found[rows, columns]].all()


def test_triangles_that_are_none_or_lie_outside_cover_nothing():
    corners = flat_triangles()[:1]
    nowhere = [corners + 500, corners - 500, np.full_like(corners, np.nan), np.full_like(corners, np.inf), corners * 0]
    line = np.float32([[[1, 1], [30, 30], [60, 60]]])
    for each in (*nowhere, line):
        assert (flat_map(each[..., 0], each[..., 1], 64) == -1).all()
