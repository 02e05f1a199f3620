# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh with fewer faces, by ``fast-simplification``.

The method is that of Garland and Heckbert, Surface Simplification Using Quadric Error Metrics, 1997.
"""

import fast_simplification
import numpy as np

from ..views.surface import Surface

_EAGERNESS = 2, 4
"""How eagerly edges are taken (``agg``): the less, the better they are chosen, and the more faces are left at the end.

One after another, until there are few enough.
"""


def decimated(surface: Surface, faces: int) -> Surface:
    """The surface with about so many faces. It may not be closed any more, which the caller has to ask."""
    for eagerness in _EAGERNESS:
        if len(surface.faces) <= faces:
            break
        vertices, triangles = fast_simplification.simplify(
            surface.vertices, surface.faces.astype(np.int32), target_count=faces, agg=eagerness
        )
        surface = Surface(np.asarray(vertices, np.float32), np.asarray(triangles, np.int64))
    return surface
