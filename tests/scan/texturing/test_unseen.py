# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces that no photo shows have the colors of the surface around them, wherever they lie on the texture."""

from dataclasses import replace

import numpy as np
import pytest
from texture_scenes import BALL, SIZE, Texels, ball_places

from scan.texturing.atlas import texels_of
from scan.texturing.blend import Canvas, Paint
from scan.texturing.unseen import spread
from scan.views.surface import Surface, corner_normals


def canvas(surface=BALL, places=None):
    places = ball_places() if places is None else places
    return Canvas(surface, corner_normals(surface), places, texels_of(places, SIZE), SIZE)


def painted(on, is_seen):
    """A paint that gets brighter with height, of the faces that are seen."""
    middle = on.surface.vertices[on.surface.faces].mean(1)
    color = np.repeat(100 + 90 * middle[on.texels.face, 2:], 3, 1).astype(np.uint8)
    known = is_seen(middle)[on.texels.face]
    color[~known] = 0
    return Paint(color, known)


def test_a_cap_has_the_color_of_its_edge():
    on = canvas()
    paint = painted(on, lambda middle: middle[:, 2] < 0.7)
    found = spread(on, paint)
    assert found.known.all()
    np.testing.assert_array_equal(found.color[paint.known], paint.color[paint.known])
    np.testing.assert_allclose(found.color[~paint.known].astype(int), 160, atol=8)


def test_of_a_piece_that_is_not_seen_at_all_the_color_is_the_mean():
    apart = Surface(
        np.concatenate([BALL.vertices, np.float32([[2, 0, 0], [2, 1, 0], [2, 0, 1]])]),
        np.concatenate([BALL.faces, np.array([[0, 1, 2]]) + len(BALL.vertices)]),
    )
    on = canvas(apart, np.concatenate([ball_places(), np.float32([[[1, 1], [1, 9], [9, 1]]])]))
    paint = painted(on, lambda middle: middle[:, 0] < 1.5)
    found = spread(on, paint)
    last = on.texels.face == len(BALL.faces)
    assert last.sum() > 20
    np.testing.assert_allclose(found.color[last].astype(int), 100, atol=3)


def test_a_face_that_is_seen_in_part_is_left_to_the_texels_around():
    on = canvas()
    paint = painted(on, lambda middle: middle[:, 2] < 5)
    known = paint.known.copy()
    first = np.nonzero(np.diff(on.texels.face, prepend=-1))[0]
    many = first[np.diff(np.append(first, len(known))) > 3]
    known[many] = False
    found = spread(on, replace(paint, known=known))
    np.testing.assert_array_equal(found.known, known)


def test_where_all_is_seen_all_stays():
    on = canvas()
    paint = painted(on, lambda middle: middle[:, 2] < 5)
    assert spread(on, paint) is paint


def test_texels_know_their_points():
    """The tests' own texels and the product's are at the same places."""
    on = canvas()
    patch = on.patch(slice(100, 400))
    made = type("Made", (), {"picture": np.zeros((SIZE, SIZE, 3), np.uint8), "places": on.places})
    np.testing.assert_allclose(patch.points, Texels.of(BALL, made).points[100:400], atol=1e-5)
    assert np.linalg.norm(patch.normals, axis=1) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(patch.normals, patch.points, atol=0.03)
