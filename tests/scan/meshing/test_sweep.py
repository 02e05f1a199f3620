# SPDX-License-Identifier: GPL-3.0-or-later
"""A sweep finds the depth that the photos show, and only where it was asked to look."""

import numpy as np
import pytest
from mesh_scenes import PLAIN, SOLID, SPHERE, pose, shot

from scan.meshing.sweep import Base, sweep

OFFSETS = np.linspace(-0.24, 0.24, 17, dtype=np.float32)
STEP = float(OFFSETS[1] - OFFSETS[0])


def scene(solid, azimuth=8.0):
    """A shot, and four around it."""
    around = ((18, 0), (-18, 0), (34, 0), (0, 18))
    return shot(solid, pose(azimuth, 10)), [shot(solid, pose(azimuth + a, 10 + e)) for a, e in around]


@pytest.fixture(scope="module")
def ball():
    return scene(SPHERE)


@pytest.fixture(scope="module")
def dented():
    return scene(SOLID)


def found_by(scene, base, offsets=OFFSETS):
    one, others = scene
    return sweep(one.picture, [each.picture for each in others], base, offsets)


def off(depth):
    """A base that is off by up to a tenth of the object's size, by other amounts at other places."""
    rows, columns = np.indices(depth.shape)
    return (depth + 0.1 * np.sin(rows / 25) * np.cos(columns / 31)).astype(np.float32)


def endless(depth):
    return np.full_like(depth, np.inf)


def squarely_seen(shot, least=0.5):
    """Pixels at which the ball is not seen from the side: what lies at the rim, the others see from behind."""
    cosine = np.zeros(shot.seen.depth.shape)
    rows, columns = np.nonzero(np.isfinite(shot.seen.depth))
    points = shot.view.to_world(shot.seen.depth[rows, columns], rows, columns)
    towards = shot.view.position - points
    cosine[rows, columns] = (points * towards).sum(1) / np.linalg.norm(towards, axis=1)
    return cosine > least


def test_it_finds_the_depth_to_a_part_of_a_step_from_a_base_that_is_off(ball):
    true = ball[0].seen.depth
    found = found_by(ball, Base(off(true), endless(true)))
    kept = squarely_seen(ball[0])
    error = np.abs(found.depth - true)[kept]
    assert (error < STEP / 3).mean() > 0.8
    assert np.abs(off(true)[kept] - true[kept]).mean() > 5 * error.mean()
    assert np.median(found.score[kept]) > 0.9


def test_from_the_hulls_surface_it_finds_the_bottom_of_a_hollow(dented):
    one = dented[0]
    front, true = shot(SPHERE, pose(8.0, 10)).seen.depth, one.seen.depth
    found = found_by(dented, Base(front, endless(front)), np.linspace(-0.05, 0.7, 31, dtype=np.float32))
    both = np.isfinite(true) & np.isfinite(front)
    deep = np.where(both, true, 0) - np.where(both, front, 0) > 0.2
    error = np.abs(found.depth - true)[deep]
    assert len(error) > 500
    assert np.median(error) < 0.02
    assert (error < 0.1).mean() > 0.9


def test_where_there_is_no_base_there_is_no_depth(ball):
    true = ball[0].seen.depth
    base = np.where(np.arange(160) < 80, true, np.inf).astype(np.float32)
    found = found_by(ball, Base(base, endless(true)))
    assert ((found.depth > 0) == np.isfinite(base)).all()
    assert (found.score[np.isinf(base)] == 0).all()


def test_what_cannot_be_never_wins(ball):
    """The true depth lies beyond the reach: the best of what can be is taken, and is told to be bad."""
    true = ball[0].seen.depth
    base = true - np.float32(0.15)
    reach = np.where(np.arange(160) % 80 < 40, np.float32(0.05), np.float32(np.inf)) + np.zeros_like(true)
    found = found_by(ball, Base(base, reach))
    kept = squarely_seen(ball[0])
    bounded, free = kept & np.isfinite(reach), kept & np.isinf(reach)
    assert ((found.depth - base)[bounded] <= 0.05 + STEP / 2).all()
    assert (np.abs(found.depth - true)[free] < STEP / 3).mean() > 0.8
    assert np.median(found.score[bounded]) < np.median(found.score[free]) - 0.2


def test_without_others_or_anything_to_see_there_is_no_depth(ball):
    one, others = ball
    true = one.seen.depth
    alone = sweep(one.picture, [], Base(true, endless(true)), OFFSETS)
    past = sweep(one.picture, [others[0].picture], Base(endless(true), endless(true)), OFFSETS)
    for each in (alone, past):
        assert not each.depth.any()
        assert not each.score.any()


def test_one_other_view_is_enough(ball):
    true = ball[0].seen.depth
    found = sweep(ball[0].picture, [ball[1][0].picture], Base(off(true), endless(true)), OFFSETS)
    kept = squarely_seen(ball[0], 0.7)
    assert (np.abs(found.depth - true)[kept] < STEP).mean() > 0.85


def test_where_nothing_is_painted_the_photos_are_not_sure():
    plain = scene(PLAIN)
    true = plain[0].seen.depth
    found = found_by(plain, Base(true, endless(true)))
    assert np.median(found.score[squarely_seen(plain[0], 0.7)]) < 0.3
