# SPDX-License-Identifier: GPL-3.0-or-later
"""How much each photo counts at a texel: by its angle, its distance and its trust; and less, where others agree."""

import numpy as np
import pytest
from mesh_scenes import THREADS, Pose, pose
from texture_scenes import BALL, SIZE, ball_places, linear_of, photographed_mesh, seen_by

from scan.texturing import blend as blending
from scan.texturing.atlas import texels_of
from scan.texturing.blend import Canvas, blend
from scan.texturing.light import TERMS, Light
from scan.views.surface import corner_normals

CANVAS = Canvas(BALL, corner_normals(BALL), ball_places(), texels_of(ball_places(), SIZE), SIZE)
POINTS = CANVAS.patch(slice(0, len(CANVAS.texels.at))).points.astype(float)
DARK, BRIGHT = 0.2, 0.5
"""In linear light."""


def dark(photos):
    """No light at all, and all exposed alike."""
    nothing = np.zeros((1, 3), np.float32)
    terms = np.zeros((1, TERMS, 3), np.float32)
    return Light(np.zeros(photos, np.int64), terms, nothing, nothing, nothing, np.zeros((photos, 3), np.float32), 0.0)


def flat_photos(poses, levels):
    """Photos of the ball that are of one color each."""
    photos = photographed_mesh(BALL, poses, 240)
    colors = [
        each.color(paint=lambda points, level=level: np.full_like(points, level))
        for each, level in zip(photos, levels, strict=True)
    ]
    return seen_by(BALL, [each.view for each in photos], colors, [each.mask for each in photos])


def cosine(sight, points=POINTS):
    towards = sight.view.position - points
    return (towards * points).sum(1) / np.linalg.norm(towards, axis=1) / np.linalg.norm(points, axis=1)


def found(sights, sharpness=None):
    weights = np.ones(len(sights), np.float32) if sharpness is None else np.float32(sharpness)
    paint = blend(CANVAS, sights, dark(len(sights)), weights, THREADS)
    return linear_of(paint.color.astype(float)).mean(1), paint.known


def middle_of(sights):
    """Texels that all photos see well inside of their outlines."""
    return np.min([cosine(each) for each in sights], axis=0) > 0.6


@pytest.mark.parametrize("sharpness", [(1.0, 1.0), (1.0, 0.25)])
def test_photos_count_by_angle_distance_and_sharpness(monkeypatch, sharpness):
    monkeypatch.setattr(blending, "_APART", 1e6)  # the first look alone
    nearer = Pose(pose(50, 0).rotation, np.array([0, 0, 2.9]))
    sights = flat_photos([pose(0, 0), nearer], [DARK, BRIGHT])
    light, known = found(sights, sharpness)
    at = middle_of(sights)
    assert at.sum() > 300
    assert known[at].all()
    near = [np.linalg.norm(each.view.position - POINTS, axis=1) for each in sights]
    one, other = (
        share * cosine(each) ** 4 / away**2 for share, each, away in zip(sharpness, sights, near, strict=True)
    )
    expected = (DARK * one + BRIGHT * other) / (one + other)
    assert np.quantile(np.abs(light - expected)[at], 0.98) < 0.015
    assert np.ptp(expected[at]) > 0.1


def test_what_few_photos_show_otherwise_counts_less(monkeypatch):
    """Such as gloss: one of five photos is far brighter."""
    sights = flat_photos([pose(angle, 0) for angle in (-30, -20, -10, 10, 30)], [DARK, DARK, DARK, 0.7, DARK])
    at = middle_of(sights)
    light, _ = found(sights)
    monkeypatch.setattr(blending, "_APART", 1e6)
    at_first, _ = found(sights)
    assert np.median(light[at] - DARK) < 0.6 * np.median(at_first[at] - DARK)


def test_what_no_photo_sees_is_not_known():
    sights = flat_photos([pose(0, 0)], [DARK])
    _, known = found(sights)
    seen = cosine(sights[0])
    assert known[seen > 0.6].mean() > 0.99
    assert not known[seen < 0.1].any()


def test_what_is_seen_too_aslant_is_not_painted():
    sights = flat_photos([pose(0, 0)], [DARK])
    _, known = found(sights)
    assert cosine(sights[0])[known].min() > 0.13
