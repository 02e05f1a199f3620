# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement moves vertices to where the photos agree, and leaves those about which the photos say nothing."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from mesh_scenes import AWAY, PLAIN, SPHERE, THREADS, pose, ring, shot, shots, sphere

from scan.common.errors import Cancelled
from scan.meshing.refine import Step, quality_of, refine
from scan.views.raster import depth_map
from scan.views.threads import Workers

PIXEL = AWAY / 266
"""Of these views, on the object."""
STEP = Step(reach=2.0, places=7, stiffness=3.0)
BALL = replace(PLAIN, hollows=(), balls=SPHERE.balls)


def dented(amount):
    """A sphere whose vertices are off by up to so much, inward here and outward there."""
    surface = sphere()
    x, y, z = surface.vertices.T
    off = amount * np.sin(3 * x) * np.cos(4 * y + z)
    return replace(surface, vertices=(surface.vertices * (1 + off[:, None])).astype(np.float32))


def depths_of(surface, photos):
    return [depth_map(surface, each.view.halved(1)) for each in photos]


def refined(surface, photos, step=STEP):
    return refine(surface, [each.picture for each in photos], depths_of(surface, photos), step, THREADS)


def errors(surface):
    return np.linalg.norm(surface.vertices, axis=1) - 1


def test_vertices_that_are_off_come_back():
    photos, surface = shots(SPHERE), dented(1.3 * PIXEL)
    before = np.abs(errors(surface)).mean()
    for stiffness in (3.0, 6.0):
        surface = refined(surface, photos, replace(STEP, stiffness=stiffness))
    assert np.abs(errors(surface)).mean() < before / 3
    assert abs(errors(surface).mean()) < before / 5


def test_those_that_are_right_stay():
    moved = np.abs(errors(refined(sphere(), shots(SPHERE))))
    assert moved.mean() < 0.15 * PIXEL


def test_no_vertex_goes_further_than_it_looked():
    surface = dented(5 * PIXEL)
    moved = refined(surface, shots(SPHERE), replace(STEP, reach=0.5)).vertices - surface.vertices
    along = np.abs((moved * surface.vertices).sum(1)) / np.linalg.norm(surface.vertices, axis=1)
    assert along.max() < 0.8 * PIXEL
    assert along.max() > 0.1 * PIXEL


@pytest.mark.parametrize("grain", [0.0, 1.0], ids=["no grain", "grain"])
def test_without_texture_vertices_stay_where_they_are(grain):
    surface, photos = sphere(times=5), shots(BALL, 8)
    random = np.random.default_rng(1)
    pictures = [
        replace(each.picture, grey=(each.seen.grey + random.normal(0, grain, (160, 160))).astype(np.float32))
        for each in photos
    ]
    moved = refine(surface, pictures, depths_of(surface, photos), STEP, THREADS)
    off = np.linalg.norm(moved.vertices - surface.vertices, axis=1)
    assert off.mean() < 0.15 * PIXEL
    assert np.quantile(off, 0.99) < 0.5 * PIXEL


def test_what_no_photo_sees_moves_with_its_neighbours_only():
    photos = [shot(SPHERE, at) for at in ring(5, whole=80, first=-32)]
    surface = dented(1.3 * PIXEL)
    moved = refined(surface, photos)
    unseen = surface.vertices[:, 0] < -0.5
    seen = surface.vertices[:, 0] > 0.6
    assert np.abs(errors(moved))[seen].mean() < 0.7 * np.abs(errors(surface))[seen].mean()
    assert np.linalg.norm(moved.vertices - surface.vertices, axis=1)[unseen].max() < PIXEL


def test_quality_is_high_where_photos_agree_and_0_where_none_sees():
    photos = [shot(SPHERE, at) for at in ring(5, whole=80, first=-32)]
    surface = sphere()
    pictures, depths = [each.picture for each in photos], depths_of(surface, photos)
    quality = quality_of(surface, pictures, depths, THREADS)
    x = surface.vertices[:, 0]
    assert np.median(quality[x > 0.7]) > 0.9
    assert (quality[x < -0.3] == 0).all()
    assert ((quality >= 0) & (quality <= 1)).all()
    off = quality_of(dented(6 * PIXEL), pictures, depths, THREADS)
    assert off[x > 0.7].mean() < quality[x > 0.7].mean() - 0.2


def test_one_photo_alone_tells_nothing():
    alone = [shot(SPHERE, pose(0, 0))]
    surface = dented(PIXEL)
    assert not quality_of(surface, [alone[0].picture], depths_of(surface, alone), THREADS).any()


def test_it_ends_when_it_is_cancelled():
    cancel = threading.Event()
    cancel.set()
    photos = shots(SPHERE)
    with pytest.raises(Cancelled):
        refine(sphere(), [each.picture for each in photos], depths_of(sphere(), photos), STEP, Workers(1, cancel))
