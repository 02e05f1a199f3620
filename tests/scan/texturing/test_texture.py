# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture of solids of which every color is known, photographed before a magenta ground."""

import numpy as np
import pytest
from mesh_scenes import SPHERE, THREADS, Ball, Pose, Solid, pose, ring, sphere
from PIL import Image, ImageFilter
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
    photographed,
    photographed_mesh,
    seen_by,
    still,
    turning,
)

from scan.texturing import samples, texture
from scan.texturing.samples import take
from scan.texturing.texture import _Polygons
from scan.views.surface import Surface, corner_normals


@pytest.fixture(scope="module", autouse=True)
def _few_places():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "_PLACES", 4000)
        yield


def ball_in(shade, exposures=None, **how):
    """The ball's texels under some light, and its texture."""
    photos = ball_photos()
    colors = [each.color(shade, exposure=exposures[number] if exposures else 1.0) for number, each in enumerate(photos)]
    found = seen_by(BALL, [each.view for each in photos], colors, [each.mask for each in photos])
    made = painted_ball(found, **how)
    return Texels.of(BALL, made), made


def test_in_even_light_the_texture_is_the_paint():
    texels, made = ball_in(even, without_light=True)
    assert error(texels) < 0.03
    assert made.unseen < 0.01
    assert made.used == pytest.approx(len(texels.face) / len(made.picture) ** 2)


def test_the_light_of_a_lamp_that_stands_still_is_taken_out():
    lit, _ = ball_in(still)
    texels, made = ball_in(still, without_light=True)
    assert made.is_lit
    assert error(lit) > 0.4
    assert error(texels) < 0.15


def test_the_light_of_a_lamp_that_turns_with_the_object_stays():
    texels, made = ball_in(turning, without_light=True)
    assert not made.is_lit
    plain, other = ball_in(turning)
    np.testing.assert_array_equal(made.picture, other.picture)
    assert error(texels) == error(plain)


def test_exposures_are_evened_out():
    random = np.random.default_rng(1)
    exposures = np.exp(random.uniform(-0.4, 0.4, len(ball_photos()))).tolist()
    texels, made = ball_in(even, exposures)
    assert error(texels) < 0.04
    off = made.light.exposure.mean(1) - np.log(exposures)
    assert np.ptp(off) < 0.05


@pytest.mark.parametrize("shade", [even, still])
def test_sides_of_which_one_is_darker_fit_one_another(shade):
    surface = sphere(1.0, 4)
    photos = photographed(SPHERE, ring(8, 30.0), 160, "A/")
    photos += photographed(SPHERE, [pose(45 * number + 10, -30.0, 180) for number in range(8)], 160, "B/")
    colors = [each.color(shade, exposure=1.0 if each.view.name < "B" else 0.4) for each in photos]
    found = seen_by(surface, [each.view for each in photos], colors, [each.mask for each in photos])
    made = painted(surface, found, without_light=shade is still)
    assert made.is_lit == (shade is still)
    texels = Texels.of(surface, made)
    off = np.log(linear_of(texels.color) / albedo(texels.points)).mean(1)
    upper, lower = (off[sign * texels.points[:, 2] > 0.5].mean() for sign in (1, -1))
    assert abs(upper - lower) < 0.1
    assert error(texels) < 0.15


def fine(points):
    """A paint of short waves."""
    return np.repeat(0.3 + 0.2 * np.sin(40 * points).prod(1, keepdims=True), 3, 1)


def test_a_blurred_photo_counts_less(monkeypatch):
    photos = ball_photos()
    colors = [each.color(paint=fine, ground=(90, 90, 90)) for each in photos]
    blurred = range(0, len(photos), 2)
    for number in blurred:
        colors[number] = np.array(Image.fromarray(colors[number]).filter(ImageFilter.GaussianBlur(3)))
    found = seen_by(BALL, [each.view for each in photos], colors, [each.mask for each in photos])
    weights = texture.sharpness(take(BALL, corner_normals(BALL), found, THREADS), len(photos))
    is_blurred = np.isin(np.arange(len(photos)), blurred)
    assert weights[is_blurred].max() < 0.4 * weights[~is_blurred].min()
    with_weights = error(Texels.of(BALL, painted_ball(found)), fine)
    monkeypatch.setattr(texture, "sharpness", lambda _samples, count: np.ones(count, np.float32))
    assert with_weights < 0.9 * error(Texels.of(BALL, painted_ball(found)), fine)


def wider(mask, pixels):
    return np.array(Image.fromarray(mask).filter(ImageFilter.MaxFilter(2 * pixels + 1)))


def test_a_photo_from_nearby_is_not_taken_for_a_blurred_one():
    """From pixel to pixel it changes less."""
    poses = ring(10, 10.0)
    poses[::2] = [Pose(each.rotation, np.array([0, 0, 2.6])) for each in poses[::2]]
    photos = photographed(SPHERE, poses, 200)
    colors = [each.color(paint=fine, ground=(90, 90, 90)) for each in photos]
    found = seen_by(BALL, [each.view for each in photos], colors, [each.mask for each in photos])
    weights = texture.sharpness(take(BALL, corner_normals(BALL), found, THREADS), len(photos))
    assert weights[::2].min() > 0.6 * weights[1::2].max()


GROUNDS = {
    "as they are": (1.0, lambda mask: mask),
    "the mask a pixel too wide": (1.0, lambda mask: wider(mask, 1)),
    "no mask": (1.0, lambda mask: np.full_like(mask, 255)),
    "the mesh too large": (1.05, lambda mask: mask),
}


@pytest.mark.parametrize("which", GROUNDS)
def test_nothing_of_the_ground_is_on_the_surface(which):
    """Before magenta, a white cube of which photos see the sides squarely: their edges count as much as they can."""
    size, change = GROUNDS[which]
    photos = photographed_mesh(cube(), [*ring(4, 0.0), *ring(4, 20.0, 45)], 320)
    white = [each.color(paint=lambda points: np.full_like(points, 0.8)) for each in photos]
    surface = Surface(cube().vertices * np.float32(size), cube().faces)
    found = seen_by(surface, [each.view for each in photos], white, [change(each.mask) for each in photos])
    color = Texels.of(surface, painted(surface, found)).color
    assert color[:, 1].min() > 0.998 * color[:, 0].max()


TWO = Solid(balls=(Ball((0, 0, 0), 0.6), Ball((0.85, 0, 0), 0.25)), hollows=())


def two_balls():
    """Their surface; the faces of the small one are the last."""
    large, small = sphere(0.6, 4), sphere(0.25, 4)
    moved = small.vertices + np.float32([0.85, 0, 0])
    return Surface(
        np.concatenate([large.vertices, moved]), np.concatenate([large.faces, small.faces + len(large.vertices)])
    )


def red_or_green(points):
    """The small ball is red, the large one green."""
    return np.where(points[:, :1] > 0.6 - 1e-9, (0.7, 0.02, 0.02), (0.02, 0.5, 0.02))


def test_what_is_hidden_does_not_have_the_color_of_what_hides_it():
    surface = two_balls()
    photos = photographed(TWO, ring(12, 5.0), 200)
    colors = [each.color(paint=red_or_green, ground=(20, 20, 20)) for each in photos]
    found = seen_by(surface, [each.view for each in photos], colors, [each.mask for each in photos])
    made = painted(surface, found)
    texels = Texels.of(surface, made)
    is_small = texels.face >= len(sphere(0.6, 4).faces)
    red, green, _ = texels.color.T
    assert (red > 2 * green)[is_small].mean() > 0.9995
    assert (green > 2 * red)[~is_small].mean() > 0.9995
    # Behind the small ball, the large one is seen past it from both sides.
    behind = ~is_small & (texels.points[:, 0] > 0.55)
    assert behind.sum() > 50


def by_height(points):
    return np.repeat(0.1 + 0.3 * (points[:, 2:] + 1), 3, 1)


def test_what_no_photo_shows_has_the_color_around_it_on_the_surface():
    """Of a ball that is dark below and bright above, only the front is seen."""
    surface = sphere(1.0, 4)
    photos = photographed(SPHERE, [*ring(5, 0.0, -40, 100), pose(0, 50), pose(0, -50)], 160)
    colors = [each.color(paint=by_height) for each in photos]
    made = painted(surface, seen_by(surface, [each.view for each in photos], colors, [each.mask for each in photos]))
    assert 0.15 < made.unseen < 0.5
    texels = Texels.of(surface, made)
    behind = texels.points[:, 0] < -0.5
    upper, lower = (linear_of(texels.color[behind & (sign * texels.points[:, 2] > 0.4)])[:, 0] for sign in (1, -1))
    assert np.quantile(upper, 0.05) > np.quantile(lower, 0.95) + 0.1
    np.testing.assert_array_less(linear_of(made.picture.astype(float)).max(), 0.75)


def test_between_charts_a_texture_has_the_colors_beside_it():
    """So that a smaller version of it has no seams."""
    texels, made = ball_in(even)
    assert (made.picture.reshape(-1, 3) > 0).all()
    assert np.ptp(made.picture.reshape(-1, 3), axis=0).max() <= np.ptp(texels.color, axis=0).max() + 1


def test_the_same_photos_make_the_same_texture():
    surface = sphere(1.0, 3)
    photos = photographed(SPHERE, ring(6, 10.0), 120)
    colors = [each.color(still) for each in photos]
    found = seen_by(surface, [each.view for each in photos], colors, [each.mask for each in photos])
    one, other = (painted(surface, found, without_light=True) for _ in range(2))
    np.testing.assert_array_equal(one.picture, other.picture)
    np.testing.assert_array_equal(one.places, other.places)


def test_a_polygon_is_seen_no_better_than_its_worst_part_and_faces_where_all_of_it_does():
    """Else a part that is hidden would be unwrapped from where it is not seen."""
    polygons = _Polygons(np.array([7, 2, 7, 2, 5]))
    assert polygons.least(np.float32([0.9, 0.4, 0.0, 0.6, 0.8])).tolist() == pytest.approx([0.0, 0.4, 0.0, 0.4, 0.8])
    assert polygons.first(np.array([3, 1, 4, 2, 0])).tolist() == [3, 1, 3, 1, 0]
    total = polygons.sum(np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 2, 0], [5, 5, 5]]))
    assert total.tolist() == [[1, 0, 1], [0, 3, 0], [1, 0, 1], [0, 3, 0], [5, 5, 5]]
