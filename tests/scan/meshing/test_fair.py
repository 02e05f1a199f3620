# SPDX-License-Identifier: GPL-3.0-or-later
"""Fairing: noise goes, shape stays."""

import numpy as np
import pytest
from mesh_scenes import sphere

from scan.meshing.fair import faired
from scan.views.surface import Surface, face_normals

FARTHEST = 0.001


def rough_sphere(noise: float) -> Surface:
    ball = sphere(1.0, 5)
    lengths = 1 + np.random.default_rng(0).normal(scale=noise, size=(len(ball.vertices), 1))
    return Surface((ball.vertices * lengths).astype(np.float32), ball.faces)


def turned(surface: Surface) -> np.ndarray:
    """By how many degrees each face of a sphere is turned."""
    normals = face_normals(surface)
    outward = surface.vertices[surface.faces].mean(1)
    cosines = (normals * outward).sum(1) / np.linalg.norm(normals, axis=1) / np.linalg.norm(outward, axis=1)
    return np.degrees(np.arccos(np.clip(cosines, -1, 1)))


def test_the_faces_of_a_rough_sphere_are_turned_less():
    rough = rough_sphere(0.0006)
    assert np.quantile(turned(faired(rough)), 0.9) < 0.7 * np.quantile(turned(rough), 0.9)


def test_a_sphere_keeps_its_size():
    ball = sphere(1.0, 5)
    assert np.linalg.norm(faired(ball).vertices, axis=1).mean() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("detail", [0, 2])
def test_no_vertex_goes_farther_than_noise_does(detail):
    coarse = sphere(1.0, detail)
    moves = np.linalg.norm(faired(coarse).vertices - coarse.vertices, axis=1)
    assert 0 < moves.max() <= FARTHEST * 1.001
    assert faired(coarse).faces is coarse.faces
