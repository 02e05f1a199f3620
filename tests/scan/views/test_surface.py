# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a mesh's triangles: normals, rings, parts, closedness, volume."""

import numpy as np
import pytest
from mesh_scenes import sphere

from scan.views.surface import (
    Rings,
    Surface,
    corner_normals,
    face_normals,
    is_closed,
    parts,
    vertex_normals,
    volume,
    without_unused,
)

SPHERE = sphere(1.5, 3)


def together(*surfaces):
    counts = np.cumsum([0, *(len(each.vertices) for each in surfaces)])
    return Surface(
        np.concatenate([each.vertices for each in surfaces]),
        np.concatenate([each.faces + count for each, count in zip(surfaces, counts, strict=False)]),
    )


def test_a_spheres_normals_point_away_from_its_middle():
    normals = vertex_normals(SPHERE)
    assert (normals * SPHERE.vertices / 1.5).sum(1).min() > 0.999
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)


def test_corners_have_the_vertices_normals_where_it_is_smooth_and_the_faces_at_a_crease():
    np.testing.assert_array_equal(corner_normals(SPHERE), vertex_normals(SPHERE)[SPHERE.faces])
    roof = Surface(
        np.float32([[0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 1, 0], [-1, 0, 0], [-1, 1, 0]]),
        np.array([[0, 2, 1], [2, 3, 1], [0, 1, 4], [1, 5, 4]]),
    )
    slope = 0.5**0.5
    found = corner_normals(roof)
    np.testing.assert_allclose(found[:2], np.broadcast_to([slope, 0, slope], (2, 3, 3)), atol=1e-6)
    np.testing.assert_allclose(found[2:], np.broadcast_to([-slope, 0, slope], (2, 3, 3)), atol=1e-6)


def test_corners_of_a_face_without_area_have_the_vertices_normals():
    flat = Surface(np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2], [0, 1, 1]]))
    np.testing.assert_allclose(corner_normals(flat), np.broadcast_to([0, 0, 1], (2, 3, 3)), atol=1e-6)


def test_a_faces_normal_is_twice_its_area_long():
    triangle = Surface(np.float32([[0, 0, 0], [3, 0, 0], [0, 4, 0]]), np.array([[0, 1, 2]]))
    np.testing.assert_allclose(face_normals(triangle), [[0, 0, 12]])


@pytest.mark.parametrize("width", [None, 1, 3])
def test_a_mean_over_rings_is_that_of_the_neighbours_along_edges(width):
    random = np.random.default_rng(1)
    values = random.normal(size=(len(SPHERE.vertices), *([width] if width else []))).astype(np.float32)
    rings = Rings(SPHERE)
    around = [set() for _ in SPHERE.vertices]
    for a, b, c in SPHERE.faces.tolist():
        for one, other in ((a, b), (b, c), (c, a)):
            around[one].add(other)
            around[other].add(one)
    np.testing.assert_allclose(rings.mean(values), [values[sorted(each)].mean(0) for each in around], atol=1e-5)
    numbers = random.permutation(len(around))
    assert rings.least(numbers).tolist() == [numbers[sorted(each)].min() for each in around]


def test_parts_are_what_edges_connect():
    three = together(sphere(1.0, 1), sphere(2.0, 3), sphere(0.5, 0))
    shuffled = np.random.default_rng(2).permutation(len(three.faces))
    found = parts(Surface(three.vertices, three.faces[shuffled]))
    sizes = [8 * 4, 8 * 64, 8]
    truth = np.repeat([0, 1, 2], sizes)[shuffled]
    assert sorted(np.bincount(found).tolist()) == sorted(sizes)
    assert len(set(zip(found.tolist(), truth.tolist(), strict=True))) == 3


def test_a_sphere_is_closed_and_so_are_two():
    assert is_closed(SPHERE)
    assert is_closed(together(SPHERE, sphere(0.5, 1)))


@pytest.mark.parametrize(
    "harm",
    [
        lambda faces: faces[1:],
        lambda faces: np.concatenate([faces[:1, ::-1], faces[1:]]),
        lambda faces: np.concatenate([faces, faces[:1]]),
        lambda faces: np.concatenate([faces, faces[:1, ::-1], faces[:1]]),
        lambda faces: np.concatenate([faces, [[0, 0, 1]]]),
        lambda faces: np.concatenate([faces, faces]),
    ],
    ids=["hole", "turned face", "face twice", "face thrice", "line", "all twice"],
)
def test_what_is_not_closed_is_told(harm):
    assert not is_closed(Surface(SPHERE.vertices, harm(SPHERE.faces)))


def test_two_solids_that_share_an_edge_are_not_closed():
    tetrahedron = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    assert is_closed(Surface(np.float32(np.eye(4)[:, :3]), tetrahedron))
    other = np.array([0, 1, 4, 5])[tetrahedron]
    assert not is_closed(Surface(np.zeros((6, 3), np.float32), np.concatenate([tetrahedron, other])))


def test_a_volume_is_negative_inside_out_and_does_not_depend_on_the_place():
    whole = 4 / 3 * np.pi * 1.5**3
    assert volume(SPHERE, SPHERE.faces) == pytest.approx(whole, rel=0.03)
    assert volume(SPHERE, SPHERE.faces[:, ::-1]) == pytest.approx(-volume(SPHERE, SPHERE.faces))
    moved = Surface(SPHERE.vertices + np.float32([5, -3, 2]), SPHERE.faces)
    assert volume(moved, moved.faces) == pytest.approx(volume(SPHERE, SPHERE.faces), rel=1e-4)


def test_vertices_that_no_face_uses_are_left_out():
    kept = without_unused(Surface(np.float32(np.arange(30)).reshape(10, 3), np.array([[7, 2, 5], [2, 9, 5]])))
    assert len(kept.vertices) == 4
    assert kept.vertices[kept.faces][:, :, 0].tolist() == [[21, 6, 15], [6, 27, 15]]
