# SPDX-License-Identifier: GPL-3.0-or-later
"""What a photo shows of a surface: which points, and how far its pixels can be trusted."""

import numpy as np
import pytest
from mesh_scenes import SPHERE, THREADS, pose, sphere, view_from
from texture_scenes import BALL, albedo, ball_photos, normals_of, photographed, seen_by, sights

from scan.texturing.samples import places_on, take
from scan.texturing.sights import bilinear_colors, faces_seen, sharpened, steps_inside, trust
from scan.views.raster import depth_map
from scan.views.surface import Surface, corner_normals, face_normals

SIZE = 200


def away_from(flags):
    """For each pixel that is set how far the nearest one that is not is, in pixels; beyond the picture none is set."""
    wide = np.pad(flags, 1)
    beside = np.argwhere(~wide)
    inside = np.argwhere(wide)
    result = np.zeros(wide.shape)
    result[wide] = [np.sqrt(((beside - each) ** 2).sum(1).min()) for each in inside]
    return result[1:-1, 1:-1]


def test_steps_are_pixels_from_the_edge():
    flags = np.random.default_rng(4).random((24, 40)) < 0.97
    flags[4:20, 5:35] = True
    steps, true = steps_inside(flags, 8), away_from(flags)
    assert steps.max() == 8
    assert (steps[~flags] == 0).all()
    assert (np.abs(steps - np.minimum(true, 8))[flags] <= 0.18 * true[flags] + 0.5).all()


def flat_depth(size=64, depth=4.0):
    return np.full((size // 2, size // 2), depth, np.float32)


def test_pixels_within_two_of_the_edge_of_a_mask_do_not_count():
    mask = np.zeros((64, 64), bool)
    mask[10:50, 12:54] = True
    found = trust(mask, flat_depth())
    true = away_from(mask)
    assert (found[true <= 2] == 0).all()
    assert (found[true > 3] > 0).all()
    assert (found[true > 11] == 255).all()


def test_pixels_at_the_end_of_the_mesh_and_of_the_picture_do_not_count():
    depth = flat_depth()
    depth[:, 20:] = np.inf
    found = trust(np.ones((64, 64), bool), depth)
    assert (found[:, 38:] == 0).all()
    assert (found[:, :2] == 0).all()
    assert (found[:2] == 0).all()
    assert (found[16:48, 16:28] == 255).all()


@pytest.mark.parametrize("turned", [False, True])
def test_pixels_at_which_one_part_hides_another_do_not_count_and_slopes_do(turned):
    slope = flat_depth() + np.float32(0.05) * np.arange(32, dtype=np.float32)
    step = slope.copy()
    step[:, 16:] += 0.1
    slope, step = (each.T if turned else each for each in (slope, step))
    everywhere = np.ones((64, 64), bool)
    assert (trust(everywhere, slope)[16:48, 16:48] == 255).all()
    found = trust(everywhere, step).T if turned else trust(everywhere, step)
    assert (found[:, 29:35] == 0).all()


def test_a_sharpened_picture_has_the_colors_of_surfaces_and_more_contrast():
    flat = np.full((8, 8, 3), 77, np.uint8)
    np.testing.assert_array_equal(sharpened(flat), flat)
    ramp = np.repeat(np.arange(0, 250, 10, dtype=np.uint8)[None, :, None], 3, 2).repeat(6, 0)
    np.testing.assert_array_equal(sharpened(ramp)[:, 1:-1], ramp[:, 1:-1])
    edge = np.repeat(np.uint8([[60] * 6 + [180] * 6]), 6, 0)[..., None].repeat(3, 2)
    found = sharpened(edge)[3, :, 0]
    assert found.tolist() == [60] * 5 + [45, 195] + [180] * 5


def test_between_pixels_colors_are_between_theirs():
    ramp = np.stack([*np.meshgrid(np.arange(20), np.arange(20)), np.full((20, 20), 7)], -1).astype(np.uint8)
    x, y = np.random.default_rng(0).uniform(1, 19, (2, 50)).astype(np.float32)
    np.testing.assert_allclose(bilinear_colors(ramp, x, y), np.stack([x - 0.5, y - 0.5, 0 * x + 7], 1), atol=1e-4)


def test_points_are_seen_unless_something_lies_before_them():
    """Two balls, one behind the other."""
    near, far = sphere(0.3, 4), sphere(0.3, 4)
    surface = Surface(
        np.concatenate([near.vertices + np.float32([0.7, 0, 0]), far.vertices - np.float32([0.5, 0, 0])]),
        np.concatenate([near.faces, far.faces + len(near.vertices)]),
    )
    (photo,) = photographed(SPHERE, [pose(0, 0)], SIZE)
    (found,) = seen_by(surface, [photo.view], [photo.color()], [photo.mask])
    x, y, is_seen = found.pixels(surface.vertices)
    true_x, true_y, _ = photo.view.project(surface.vertices)
    np.testing.assert_allclose(np.stack([x, y]), np.stack([true_x, true_y]))
    count = len(near.vertices)
    normals = np.concatenate([near.vertices, far.vertices]) / 0.3
    towards = photo.view.position - surface.vertices
    cosine = (normals * towards).sum(1) / np.linalg.norm(towards, axis=1)
    assert is_seen[:count][cosine[:count] > 0.6].all()
    assert not is_seen[cosine < -0.3].any()
    assert is_seen[count:].sum() < 0.1 * count
    seen = faces_seen(surface, face_normals(surface) / np.linalg.norm(face_normals(surface), axis=1)[:, None], found)
    of_faces = cosine[surface.faces].mean(1)
    front = (np.arange(len(seen)) < len(near.faces)) & (of_faces > 0.7)
    np.testing.assert_allclose(seen[front], of_faces[front], atol=0.03)
    assert seen[len(near.faces) :].max() == pytest.approx(0, abs=0.6)
    assert (seen[len(near.faces) :] > 0).mean() < 0.1
    assert (seen[of_faces < 0] == 0).all()


def test_points_outside_of_a_picture_are_not_seen():
    (photo,) = photographed(SPHERE, [pose(0, 0)], SIZE)
    (found,) = seen_by(BALL, [photo.view], [photo.color()], [photo.mask])
    outside = np.float32([[0, 3, 0], [0, -3, 0], [0, 0, 3], [0, 0, -3], [5, 0.2, 0.2]])
    assert not found.pixels(outside)[2].any()


def test_samples_are_what_the_paint_is_where_they_were_taken():
    found = sights(BALL, ball_photos()[:4])
    samples = take(BALL, corner_normals(BALL), found, THREADS)
    points, _ = places_on(BALL, corner_normals(BALL))
    assert len(samples.place) > 5000
    true = np.log(albedo(points[samples.place]))
    assert np.median(np.abs(samples.light - true)) < 0.02
    for number in range(4):
        view, mine = found[number].view, samples.photo == number
        np.testing.assert_allclose(samples.points[mine], points[samples.place[mine]] @ view.rotation.T, atol=1e-5)
        own = normals_of(SPHERE, points[samples.place[mine]]) @ view.rotation.T.astype(float)
        np.testing.assert_allclose(samples.normals[mine], own, atol=0.03)
        towards = view.position - points[samples.place[mine]]
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        assert (towards * points[samples.place[mine]]).sum(1).min() > 0.25
    assert (np.diff(samples.photo) >= 0).all()


def test_what_is_too_dark_or_too_bright_is_no_sample():
    photos = ball_photos()[:2]
    for level in (0.0005, 1.0):
        found = sights(BALL, photos, paint=lambda points, level=level: np.full_like(points, level), ground=(9, 9, 9))
        assert not len(take(BALL, corner_normals(BALL), found, THREADS).place)


def test_places_are_spread_evenly_however_large_faces_are():
    """One half of a square is one triangle, the other one many."""
    line = np.linspace(0, 1, 33)
    vertices = np.stack([np.append(line, 0), np.append(0 * line, 1), np.zeros(34)], 1).astype(np.float32)
    fan = np.stack([np.arange(32), np.arange(1, 33), np.full(32, 33)], 1)
    whole = np.float32([[1, 0, 0], [1, 1, 0], [0, 1, 0]])
    surface = Surface(np.concatenate([vertices, whole]), np.concatenate([fan, [[34, 35, 36]], [[0, 0, 1]]]))
    points, normals = places_on(surface, corner_normals(surface))
    cells = np.histogram2d(points[:, 0], points[:, 1], bins=8, range=[[0, 1], [0, 1]])[0]
    assert cells.min() > 0.85 * len(points) / 64
    assert cells.max() < 1.15 * len(points) / 64
    np.testing.assert_allclose(normals, np.tile([0, 0, 1], (len(points), 1)), atol=1e-6)


def test_the_depth_map_of_a_sight_is_half_as_large():
    (photo,) = photographed(SPHERE, [pose(0, 0)], SIZE)
    (found,) = seen_by(BALL, [photo.view], [photo.color()], [photo.mask])
    np.testing.assert_array_equal(found.depth, depth_map(BALL, view_from(pose(0, 0), "", SIZE, SIZE).halved(1)))
    assert found.trust.shape == (SIZE, SIZE)
