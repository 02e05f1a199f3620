# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit frame lies where the photos look at, whatever a few of them say."""

import numpy as np
import pytest
from mesh_scenes import around, ring

from scan.views.frame import Sight, frame_of

MIDDLE, RADIUS, FAR = np.array([3.0, -7.0, 20.0]), 0.4, 2.5


def sights(poses):
    """What cameras see of a ball of ``RADIUS`` around ``MIDDLE``, ``FAR`` from it."""
    away = [at.position / np.linalg.norm(at.position) for at in poses]
    return [Sight(MIDDLE + FAR * each, -each, RADIUS / FAR) for each in away]


def turned(sight, degrees):
    """The same camera, which looks past the object."""
    axis = np.linalg.svd(sight.direction[None])[2][1]
    side = np.cross(axis, sight.direction)
    angle = np.radians(degrees)
    return Sight(sight.position, np.cos(angle) * sight.direction + np.sin(angle) * side, 3 * sight.angle)


@pytest.mark.parametrize("poses", [around(), ring(3, 20.0), ring(6, 0.0, whole=80.0)], ids=["around", "three", "side"])
def test_what_all_photos_look_at_is_the_middle(poses):
    frame = frame_of(sights(poses))
    np.testing.assert_allclose(frame.center, MIDDLE, atol=1e-9)
    assert frame.radius == pytest.approx(RADIUS)


@pytest.mark.parametrize("degrees", [4, 30, 90, 170])
def test_one_photo_of_many_that_looks_elsewhere_changes_nothing(degrees):
    seen = sights(around())
    seen[5] = turned(seen[5], degrees)
    frame = frame_of(seen)
    np.testing.assert_allclose(frame.center, MIDDLE, atol=1e-6)
    assert frame.radius == pytest.approx(RADIUS, rel=1e-3)


def test_photos_that_all_look_past_it_a_little_are_met_in_the_middle():
    random = np.random.default_rng(1)
    frame = frame_of([turned(each, random.normal(0, 1.0)) for each in sights(around())])
    assert np.linalg.norm(frame.center - MIDDLE) < 0.1 * RADIUS


def test_a_pose_in_the_unit_frame_shows_the_same():
    frame, at = frame_of(sights(around())), around()[3]
    rotation, translation = at.rotation, np.array([0.1, -0.2, 2.5])
    points = np.random.default_rng(2).normal(size=(20, 3)).astype(np.float32)
    world = frame.to_world(points)
    unit_rotation, unit_translation = frame.pose(rotation, translation)
    in_world = world @ rotation.T + translation
    in_unit = points @ unit_rotation.T + unit_translation
    np.testing.assert_allclose(in_unit * frame.radius, in_world, atol=1e-4)
