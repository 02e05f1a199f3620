# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes as others make them, and photos that show little: textured as far as that goes, or refused in words."""

import numpy as np
import pytest
from mesh_scenes import around, pose, sphere
from texture_scenes import (
    BALL,
    Texels,
    albedo,
    ball_photos,
    cube,
    error,
    even,
    linear_of,
    painted,
    painted_ball,
    photographed_mesh,
    seen_by,
    sights,
    still,
)

from scan.common.errors import NoModelError
from scan.texturing import samples
from scan.texturing.atlas import texels_of
from scan.views.surface import Surface, face_normals

AT = around(8)


@pytest.fixture(scope="module", autouse=True)
def _few_places():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "_PLACES", 3000)
        yield


def seen(surface, poses=AT, shade=even, size=128, **how):
    """The sights of a mesh with the usual paint."""
    return sights(surface, photographed_mesh(surface, poses, size), shade, **how)


def open_ball():
    ball = sphere(1.0, 3)
    return Surface(ball.vertices, ball.faces[ball.vertices[ball.faces].mean(1)[:, 2] < 0.4])


def with_a_fin():
    """An edge of the ball has a third face, and a fourth that lies on it the other way round."""
    ball = sphere(1.0, 3)
    one, other, _ = ball.faces[0]
    tip = ball.vertices[one] * np.float32(1.15)
    fin = np.array([[one, other, len(ball.vertices)], [other, one, len(ball.vertices)]])
    return Surface(np.concatenate([ball.vertices, tip[None]]), np.concatenate([ball.faces, fin]))


def with_faces_of_no_area():
    ball = sphere(1.0, 3)
    one, other, third = ball.faces[0]
    flat = np.array([[one, one, other], [third, third, third], [one, other, len(ball.vertices)]])
    between = ball.vertices[[one, other]].mean(0)
    return Surface(np.concatenate([ball.vertices, between[None]]), np.concatenate([flat, ball.faces, flat]))


def with_vertices_of_no_face():
    ball = sphere(1.0, 3)
    return Surface(np.concatenate([np.float32([[0, 0, 0]]), ball.vertices, np.float32([[0, 1, 1]])]), ball.faces + 1)


def tetrahedron():
    corners = np.float32([[0, 0, 0.9], [0.8, 0, -0.4], [-0.5, 0.7, -0.4], [-0.5, -0.7, -0.4]])
    return Surface(corners, np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]]))


MESHES = {
    "open": open_ball,
    "more than two faces at an edge": with_a_fin,
    "faces without area": with_faces_of_no_area,
    "vertices without faces": with_vertices_of_no_face,
}
COARSE = {"cube": cube, "tetrahedron": tetrahedron}
"""Pixels in which one face meets another do not count: they are looked at more closely."""


@pytest.mark.parametrize("name", [*MESHES, *COARSE])
def test_any_mesh_is_textured(name):
    surface = {**MESHES, **COARSE}[name]()
    made = painted(surface, seen(surface, size=400 if name in COARSE else 128))
    assert np.isfinite(made.places).all()
    assert (made.places >= 0).all()
    assert (made.places <= len(made.picture)).all()
    texels = Texels.of(surface, made)
    has_area = np.linalg.norm(face_normals(surface), axis=1) > 1e-6
    painted_faces = np.bincount(texels.face, minlength=len(has_area)) > 0
    assert painted_faces[has_area].mean() > 0.98
    assert made.unseen < 0.1
    assert error(texels) < 0.1


def test_an_open_mesh_loses_its_light():
    surface = open_ball()
    found = seen(surface, shade=still)
    made = painted(surface, found, without_light=True)
    assert made.is_lit
    assert error(Texels.of(surface, made)) < 0.5 * error(Texels.of(surface, painted(surface, found)))


def test_light_breaks_at_a_crease():
    """It is found on faces that are as large as the object, and taken out up to their edges."""
    surface = cube()
    found = seen(surface, size=400, shade=still)
    made = painted(surface, found, without_light=True)
    assert made.is_lit
    texels = Texels.of(surface, made)
    assert error(texels) < 0.15
    off = np.log(linear_of(texels.color) / albedo(texels.points)).mean(1)
    near = (np.abs(np.abs(texels.points) - 0.6) < 0.06).sum(1) >= 2
    assert near.sum() > 300
    assert np.abs(off - np.median(off))[near].mean() < 0.06


def test_a_single_triangle_is_textured():
    surface = Surface(np.float32([[0, -0.8, -0.6], [0, 0.8, -0.6], [0, 0, 0.9]]), np.array([[0, 1, 2]]))
    made = painted(surface, seen(surface, [pose(0, 0), pose(20, 10)], size=400), 64)
    assert made.used > 0.2
    assert error(Texels.of(surface, made)) < 0.1


def test_from_one_photo_alone_what_it_shows_is_painted():
    made = painted_ball(sights(BALL, ball_photos()[:1]), without_light=True)
    assert not made.is_lit
    assert 0.5 < made.unseen < 0.8
    texels = Texels.of(BALL, made)
    in_front = texels.points @ ball_photos()[0].view.position / 4 > 0.6
    assert error(Texels(texels.points[in_front], texels.color[in_front], texels.face[in_front])) < 0.05


def test_photos_that_keep_nothing_of_the_mesh_are_refused():
    photos = ball_photos()
    found = seen_by(
        BALL, [each.view for each in photos], [each.color() for each in photos], [0 * each.mask for each in photos]
    )
    with pytest.raises(NoModelError, match=r"Nothing of the mesh is seen.*the same scan"):
        painted_ball(found)


def test_a_mesh_of_too_many_pieces_is_refused():
    """Every triangle for itself, each with a gutter around it, does not fit in so small a texture."""
    ball = sphere(1.0, 4)
    apart = Surface(ball.vertices[ball.faces].reshape(-1, 3), np.arange(3 * len(ball.faces)).reshape(-1, 3))
    with pytest.raises(NoModelError, match=r"falls into .* pieces, too many for a texture of 128 pixels"):
        painted(apart, seen(apart), 128)


def test_a_texture_is_painted_into_places_that_are_given():
    surface = cube()
    corner = np.float32([[8, 8], [56, 8], [8, 56]])
    shift = np.float32([[64 * (face % 4), 64 * (face // 4)] for face in range(12)])
    places = corner + shift[:, None]
    made = painted(surface, seen(surface, size=400), places=places)
    np.testing.assert_array_equal(made.places, places)
    assert len(np.unique(texels_of(places, 256).face)) == 12
    assert error(Texels.of(surface, made)) < 0.12
