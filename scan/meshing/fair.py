# SPDX-License-Identifier: GPL-3.0-or-later
"""The roughness of a decimated mesh, taken out of it.

The method is that of Taubin, A Signal Processing Approach to Fair Surface Design, 1995: each vertex goes towards the
mean of its neighbours, then back a little further, so that nothing shrinks. It goes no further in all than noise does:
a mesh with few faces keeps its shape.
"""

import numpy as np

from ..views.surface import Rings, Surface

_TOWARDS, _BACK = np.float32(0.5), np.float32(-0.53)
_ROUNDS = 2
_FARTHEST = np.float32(0.001)
"""How far a vertex may go, in radii of the object: a twentieth of a percent of its diagonal."""


def faired(surface: Surface) -> Surface:
    """The same faces over vertices that have been moved a little. The surface is closed, in the unit frame."""
    rings = Rings(surface)
    vertices = surface.vertices
    for _ in range(_ROUNDS):
        for share in (_TOWARDS, _BACK):
            vertices = vertices + share * (rings.mean(vertices) - vertices)
    moves = vertices - surface.vertices
    lengths = np.linalg.norm(moves, axis=1, keepdims=True)
    return Surface(surface.vertices + moves * _FARTHEST / np.maximum(lengths, _FARTHEST), surface.faces)
