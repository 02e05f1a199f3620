# SPDX-License-Identifier: GPL-3.0-or-later
"""Simplified surfaces stay closed: what touches itself along an edge is taken apart, flaps are left out."""

import hypothesis_settings  # noqa: F401 - how property tests run
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh_scenes import fans, sphere

from scan.meshing.composed import compose
from scan.meshing.decimate import decimated
from scan.meshing.finish import finished, reduced
from scan.meshing.grid import Grid
from scan.meshing.mend import mended
from scan.meshing.nets import surface_of
from scan.views.frame import Frame
from scan.views.surface import Surface, is_closed, parts, volume

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
"""Seen anticlockwise from outside, with corners as in ``two_wedges``."""


def two_wedges(turn=0.0):
    """Two solids with their edge from 0 to 1 in common, on either side of it."""
    across = np.array([[1, -0.5], [1, 0.5], [-1, 0.5], [-1, -0.5]])
    c, s = np.cos(turn), np.sin(turn)
    across = across @ np.array([[c, s], [-s, c]])
    vertices = np.array([[0, 0, 0], [0, 0, 1], *([x, y, 0.5] for x, y in across)], np.float32)
    faces = np.concatenate([np.array([0, 1, 2, 3])[TETRAHEDRON], np.array([0, 1, 4, 5])[TETRAHEDRON]])
    return Surface(vertices, faces if volume(Surface(vertices, faces), faces) > 0 else faces[:, ::-1])


def is_inside(surface, point):
    """Whether the surface winds around a point: the solid angles of its faces (van Oosterom and Strackee, 1983)."""
    a, b, c = (surface.vertices[surface.faces[:, corner]].astype(float) - point for corner in range(3))
    la, lb, lc = (np.linalg.norm(each, axis=1) for each in (a, b, c))
    below = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
    return abs(2 * np.arctan2((a * np.cross(b, c)).sum(1), below).sum()) > 2 * np.pi


@pytest.mark.parametrize("turn", [0.0, 0.7, 2.0, 3.0, 4.5])
def test_an_edge_of_four_faces_becomes_two_edges(turn):
    touching = two_wedges(turn)
    assert not is_closed(touching)
    apart = mended(touching)
    assert is_closed(apart)
    assert volume(apart, apart.faces) == pytest.approx(volume(touching, touching.faces))
    # The two middles lie in the same place, and the solid is where it was.
    assert (apart.vertices == np.float32([0, 0, 0.5])).all(1).sum() == 2
    for point in ([0.6 * np.cos(turn), 0.6 * np.sin(turn), 0.5], [-0.6 * np.cos(turn), -0.6 * np.sin(turn), 0.5]):
        assert is_inside(apart, np.array(point)) == is_inside(touching, np.array(point))


def test_each_wedge_keeps_its_own_two_faces_at_the_edge():
    apart = mended(two_wedges())
    middles = [number for number, place in enumerate(apart.vertices.tolist()) if place == [0, 0, 0.5]]
    assert len(middles) == 2
    for middle in middles:
        around = np.unique(apart.faces[(apart.faces == middle).any(1)])
        across = {float(np.sign(apart.vertices[each, 0])) for each in around} - {0.0}
        assert len(across) == 1


def test_the_same_inside_out_is_taken_apart_too():
    touching = two_wedges()
    turned = Surface(touching.vertices, touching.faces[:, ::-1])
    assert is_closed(mended(turned))
    assert volume(mended(turned), mended(turned).faces) == pytest.approx(-volume(touching, touching.faces))


def test_faces_back_to_back_are_left_out():
    ball = sphere(1.0, 2)
    a, b = (int(each) for each in ball.faces[0, :2])
    vertices = np.concatenate([ball.vertices, [[3, 3, 3]]]).astype(np.float32)
    flap = [[a, b, len(ball.vertices)], [b, a, len(ball.vertices)]]
    found = mended(Surface(vertices, np.concatenate([ball.faces[:5], flap, ball.faces[5:]])))
    assert is_closed(found)
    assert len(found.vertices) == len(ball.vertices)
    assert volume(found, found.faces) == pytest.approx(volume(ball, ball.faces))


def test_what_is_well_stays_as_it_is():
    ball = sphere(1.0, 2)
    found = mended(ball)
    assert len(found.vertices) == len(ball.vertices)
    np.testing.assert_array_equal(found.vertices[found.faces], ball.vertices[ball.faces])


def test_where_solids_touch_in_a_vertex_each_has_its_own():
    corner = np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    other = -corner[1:, [1, 0, 2]]
    touching = Surface(
        np.concatenate([corner, other]), np.concatenate([TETRAHEDRON, np.array([0, 4, 5, 6])[TETRAHEDRON]])
    )
    assert fans(touching).tolist() == [2, 1, 1, 1, 1, 1, 1]
    apart = mended(touching)
    assert fans(apart).tolist() == [1] * 8
    assert set(parts(apart)) == {0, 1}
    np.testing.assert_array_equal(apart.vertices[apart.faces], touching.vertices[touching.faces])


def blobs(seed, size=28):
    """The surface of smooth noise: handles, bridges, thin places."""
    field = np.random.default_rng(seed).normal(size=(size,) * 3)
    for _ in range(3):
        for axis in range(3):
            field = field + np.roll(field, 1, axis) + np.roll(field, -1, axis)
    field = (field - np.quantile(field, 0.55)).astype(np.float32)
    compose(field, 1e-3)
    return surface_of(field, Grid(np.zeros(3, np.float32), 1.0, field.shape))


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.6, 0.3, 0.15, 0.06, 0.02]))
def test_a_decimated_surface_is_closed_once_it_is_mended(seed, share):
    surface = blobs(seed)
    fewer = mended(decimated(surface, int(share * len(surface.faces))))
    assert is_closed(fewer)
    assert (fans(fewer) == 1).all()
    assert volume(fewer, fewer.faces) == pytest.approx(volume(surface, surface.faces), rel=0.15)


@pytest.mark.parametrize("faces", [20_000, 5_000, 500])
def test_a_sphere_is_reduced_to_as_many_faces_as_are_wanted(faces):
    ball = sphere(1.0, 6)
    fewer = reduced(ball, faces)
    assert fewer is not None
    assert is_closed(fewer)
    assert len(fewer.faces) == pytest.approx(faces, rel=0.02)
    assert np.abs(np.linalg.norm(fewer.vertices, axis=1) - 1).max() < 20 / faces
    assert (parts(fewer) == 0).all()


def test_all_faces_are_kept_where_that_is_wanted_or_there_are_no_more():
    ball = sphere(1.0, 2)
    assert reduced(ball, 0) is ball
    assert reduced(ball, 128) is ball
    assert decimated(ball, 128) is ball


def test_what_would_not_be_closed_is_not_taken():
    ball = sphere(1.0, 4)
    assert reduced(Surface(ball.vertices, ball.faces[:1024]), 300) is None


def test_the_finished_mesh_lies_in_the_world_of_the_cameras():
    ball = sphere(1.0, 3)
    frame = Frame(np.array([1000.0, -2.0, 0.5]), 0.01)
    mesh = finished(ball, np.linspace(0, 1, len(ball.vertices), dtype=np.float32), None, frame)
    np.testing.assert_allclose(mesh.vertices, ball.vertices * 0.01 + frame.center, atol=1e-9)
    np.testing.assert_allclose(mesh.normals, ball.vertices, atol=0.04)
    assert mesh.faces.dtype == np.int32
    assert mesh.colors is None
