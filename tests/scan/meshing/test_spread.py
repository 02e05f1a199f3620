# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels whose depth is not sure take the planes of sure ones around them, where the photos agree there."""

from dataclasses import replace

import numpy as np
import pytest
from mesh_scenes import SPHERE, pose, shot

from scan.meshing.spread import spread
from scan.meshing.sweep import DepthMap

SPOT = slice(70, 82), slice(70, 82)
"""Where depths are wrong, and known to be not sure."""


@pytest.fixture(scope="module")
def scene():
    """A shot, those around it, and its true depths, 0 beside the ball."""
    one = shot(SPHERE, pose(0, 10))
    others = [shot(SPHERE, pose(azimuth, elevation)).picture for azimuth, elevation in ((18, 10), (-18, 10), (0, 28))]
    return one.picture, others, np.where(np.isfinite(one.seen.depth), one.seen.depth, 0)


def spoilt(true, off=0.15):
    """A depth map that is wrong in the spot, and its weights."""
    depth, score, weights = true.copy(), np.where(true > 0, 0.9, 0), np.where(true > 0, 0.8, 0)
    depth[SPOT] += off
    score[SPOT], weights[SPOT] = 0.1, 0.0
    return DepthMap(depth.astype(np.float32), score.astype(np.float32)), weights.astype(np.float32)


@pytest.mark.parametrize("off", [0.15, -0.3])
def test_a_wrong_spot_gets_the_depth_that_the_photos_show(scene, off):
    picture, others, true = scene
    found, weights = spoilt(true, off)
    result = spread(picture, others, found, weights)
    error = np.abs(result.depth - true)[SPOT]
    assert (error < 0.01).mean() > 0.9
    assert np.median(result.score[SPOT]) > 0.8


def test_what_is_sure_and_what_has_no_depth_stay_as_they_are(scene):
    picture, others, true = scene
    found, weights = spoilt(true)
    before = found.depth.copy()
    result = spread(picture, others, found, weights)
    kept = np.ones(true.shape, bool)
    kept[SPOT] = False
    np.testing.assert_array_equal(result.depth[kept], before[kept])
    np.testing.assert_array_equal(result.score[kept], found.score[kept])
    assert not result.depth[true == 0].any()
    np.testing.assert_array_equal(found.depth, before)


def test_photos_that_do_not_agree_on_a_plane_leave_the_depth(scene):
    """In the spot the picture shows something else, such as a highlight."""
    picture, others, true = scene
    found, weights = spoilt(true)
    grey = picture.grey.copy()
    grey[55:97, 55:97] = np.random.default_rng(1).uniform(0, 255, (42, 42))
    result = spread(replace(picture, grey=grey), others, found, weights)
    np.testing.assert_array_equal(result.depth[SPOT], found.depth[SPOT])


def test_without_others_or_anything_sure_nothing_changes(scene):
    picture, others, true = scene
    found, weights = spoilt(true)
    for result in (spread(picture, [], found, weights), spread(picture, others, found, 0 * weights)):
        np.testing.assert_array_equal(result.depth, found.depth)
        np.testing.assert_array_equal(result.score, found.score)


def test_in_a_picture_smaller_than_a_plane_reaches_nothing_comes_from_beside_it():
    photos = [shot(SPHERE, pose(azimuth, 10), size=32) for azimuth in (0, 18, -18)]
    depth = np.where(np.isfinite(photos[0].seen.depth), photos[0].seen.depth, 0)
    weights = np.zeros_like(depth)
    weights[16, 17] = 0.8
    found = DepthMap(depth, np.where(depth > 0, np.float32(0.1), 0))
    with np.errstate(divide="raise", invalid="raise"):
        result = spread(photos[0].picture, [each.picture for each in photos[1:]], found, weights)
    assert np.array_equal(result.depth > 0, depth > 0)
