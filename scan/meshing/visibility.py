# SPDX-License-Identifier: GPL-3.0-or-later
"""Which vertices a view sees, and how squarely."""

import numpy as np

from ..views.surface import Surface
from ..views.view import Floats, View

_LEAST_COSINE = 0.25
_MARGIN = 4
_SLACK = 0.012
"""How far a vertex may lie behind the depth map, in radii of the object, since that is of a sketch of the surface."""


def cosines(surface: Surface, normals: Floats, view: View, depth: Floats) -> Floats:
    """n: the cosine between a vertex's normal (n × 3) and the direction to the view, 0 where the view does not see it.

    ``depth`` is a depth map of the surface in this view, at any halving.
    """
    towards = view.position - surface.vertices
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    cosine = (towards * normals).sum(1)
    x, y, own = view.project(surface.vertices)
    inside = (x >= _MARGIN) & (y >= _MARGIN) & (x < view.width - _MARGIN) & (y < view.height - _MARGIN)
    height, width = depth.shape
    column = np.clip(x * np.float32(width / view.width), 0, width - 1).astype(np.intp)
    row = np.clip(y * np.float32(height / view.height), 0, height - 1).astype(np.intp)
    is_open = own < depth[row, column] + np.float32(_SLACK)
    return np.where(inside & is_open & (cosine > _LEAST_COSINE), cosine, 0).astype(np.float32)
