# SPDX-License-Identifier: GPL-3.0-or-later
"""From a surface in the unit frame to the mesh that is saved."""

import numpy as np

from ..reconstruction.types import Mesh
from ..views.frame import Frame
from ..views.surface import Surface, is_closed, vertex_normals
from ..views.view import Bytes, Floats
from .decimate import decimated
from .extract import without_crumbs
from .fair import faired
from .mend import mended


def reduced(surface: Surface, faces: int) -> Surface | None:
    """The surface with about so many faces, faired; as it is where ``faces`` is 0 or it has no more.

    None where it would not be closed.
    """
    if faces == 0 or len(surface.faces) <= faces:
        return surface
    fewer = without_crumbs(mended(decimated(surface, faces)))
    return faired(fewer) if is_closed(fewer) else None


def finished(surface: Surface, quality: Floats, colors: Bytes | None, frame: Frame) -> Mesh:
    """The mesh in the world of the reconstruction."""
    return Mesh(
        vertices=frame.to_world(surface.vertices),
        faces=surface.faces.astype(np.int32),
        normals=vertex_normals(surface).astype(np.float64),
        quality=quality.astype(np.float64),
        colors=colors,
    )


def surface_of(mesh: Mesh, frame: Frame) -> Surface:
    """The surface that a mesh was finished from."""
    return Surface(frame.to_unit(mesh.vertices), mesh.faces.astype(np.int64))
