# SPDX-License-Identifier: GPL-3.0-or-later
"""Window scores are normalised cross-correlations, each pixel looked up at its own depth."""

from dataclasses import replace

import numpy as np
import pytest
from mesh_scenes import SPHERE, pose, shot, view_from

from scan.meshing.windows import HALF, WINDOW, Homography, box_sums, homography, scores
from scan.views.view import bilinear

SHAPE = (14, 17)


def noise(seed=1):
    return np.random.default_rng(seed).uniform(0, 255, SHAPE).astype(np.float32)


def some(share, seed=9):
    """Weights of 0 and 1."""
    return (np.random.default_rng(seed).random(SHAPE) < share).astype(np.float32)


def straight(shift=0.0):
    """Every pixel at itself, or so many pixels to the right, whatever its depth."""
    rows, columns = np.indices(SHAPE, np.float32)
    slope = np.stack([columns + 0.5 + shift, rows + 0.5, np.ones(SHAPE, np.float32)])
    return Homography(slope.astype(np.float32), np.zeros(3, np.float32))


ONES, DEPTHS = np.ones(SHAPE, np.float32), np.ones((1, *SHAPE), np.float32)


def test_a_box_sum_is_that_of_its_window():
    values = np.random.default_rng(2).normal(size=(3, *SHAPE)).astype(np.float32)
    found = box_sums(values)
    assert found.shape == (3, SHAPE[0] - 2 * HALF, SHAPE[1] - 2 * HALF)
    for number, row, column in np.ndindex(found.shape):
        window = values[number, row : row + WINDOW, column : column + WINDOW]
        assert found[number, row, column] == pytest.approx(window.sum(), abs=1e-3)


@pytest.mark.parametrize(("change", "score"), [(lambda x: x, 1), (lambda x: 255 - x, -1), (lambda x: x / 3 + 90, 1)])
def test_the_same_windows_agree_at_any_brightness_and_contrast(change, score):
    picture = noise()
    found = scores(picture, ONES, change(picture), straight(), DEPTHS)
    np.testing.assert_allclose(found, score, atol=0.03)


def test_windows_with_nothing_in_them_do_not_agree():
    flat = np.full(SHAPE, 90, np.float32)
    faint = flat + noise() / 255  # grain
    assert np.abs(scores(flat, ONES, noise(2), straight(), DEPTHS)).max() < 0.01
    assert np.abs(scores(faint, ONES, faint, straight(), DEPTHS)).max() < 0.3


def direct(reference, weights, seen):
    """The weighted correlation of every window, from its definition."""
    found = np.zeros((SHAPE[0] - 2 * HALF, SHAPE[1] - 2 * HALF))
    for row, column in np.ndindex(found.shape):
        part = slice(row, row + WINDOW), slice(column, column + WINDOW)
        one, other, weight = (each[part].astype(float).ravel() for each in (reference, seen, weights))
        one, other = (each - np.average(each, weights=weight) for each in (one, other))
        found[row, column] = (weight * one * other).sum() / np.sqrt(
            (weight * one * one).sum() * (weight * other * other).sum()
        )
    return found


def test_scores_are_weighted_correlations_at_the_pixels_own_depths():
    reference, source, weights = noise(1), noise(2), some(0.6)
    depths = np.random.default_rng(3).uniform(2.0, 6.0, (4, *SHAPE)).astype(np.float32)
    where = Homography(straight().slope * np.float32(0.9), np.float32([3.0, -2.0, 0.2]))
    found = scores(reference, weights, source, where, depths)
    for depth, score in zip(depths, found, strict=True):
        x, y, bottom = (where.slope[axis] * depth + where.shift[axis] for axis in range(3))
        seen = bilinear(source, x / bottom, y / bottom)
        np.testing.assert_allclose(score, direct(reference, weights, seen), atol=0.01)


def test_what_does_not_count_has_no_say():
    reference, source, weights = noise(1), noise(2), some(0.7)
    other = np.where(weights > 0, reference, noise(3))
    before = scores(reference, weights, source, straight(), DEPTHS)
    np.testing.assert_allclose(scores(other, weights, source, straight(), DEPTHS), before, atol=1e-3)
    nothing = scores(reference, np.zeros(SHAPE, np.float32), source, straight(), DEPTHS)
    np.testing.assert_allclose(nothing, 0, atol=1e-6)


def test_a_shifted_picture_agrees_where_it_is_shifted_to():
    picture = noise()
    moved = np.roll(picture, 2, axis=1)
    at = [scores(picture, ONES, moved, straight(shift), DEPTHS)[0, :, 3:-3].mean() for shift in (0, 1, 2, 3)]
    assert int(np.argmax(at)) == 2
    assert at[2] > 0.99


def test_a_homography_is_the_way_of_a_pixel_through_the_world():
    view = view_from(pose(10, 20, 5), width=32, height=24)
    other = replace(view_from(pose(40, -10, 70), width=40, height=40), center_x=11.0, focal_y=77.0)
    where = homography(view, other, view.rays())
    rows, columns = np.indices((24, 32)).reshape(2, -1)
    depths = np.random.default_rng(4).uniform(2.5, 5, len(rows)).astype(np.float32)
    x, y, _ = other.project(view.to_world(depths, rows, columns))
    top = where.slope.reshape(3, -1) * depths + where.shift[:, None]
    np.testing.assert_allclose(top[0] / top[2], x, atol=0.01)
    np.testing.assert_allclose(top[1] / top[2], y, atol=0.01)


def test_photos_agree_at_the_true_depth_and_less_beside_it():
    one, other = shot(SPHERE, pose(0, 0)), shot(SPHERE, pose(18, 0))
    depth = one.seen.depth
    square = slice(50, 110), slice(50, 110)
    where = homography(one.view, other.view, one.view.rays())
    where = Homography(where.slope[:, square[0], square[1]], where.shift)
    true = depth[square]
    depths = np.stack([true - 0.2, true, true + 0.2])
    found = scores(one.seen.grey[square], np.ones_like(true), other.seen.grey, where, depths).mean((1, 2))
    assert found[1] > 0.95
    assert max(found[0], found[2]) < 0.7
