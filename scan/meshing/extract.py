# SPDX-License-Identifier: GPL-3.0-or-later
"""From a field on a grid to a closed surface: well-composed, netted, without what floats about."""

from collections.abc import Callable

import numpy as np

from ..common.errors import NoModelError
from ..reconstruction.types import Floats as Doubles
from ..views.surface import Surface, parts, volume, without_unused
from ..views.view import Flags, Floats, Ints
from .composed import close, compose
from .grid import Grid
from .nets import surface_of
from .tunnels import fill_tunnels, reopen

_SMALL = 0.05
"""Parts with less than this share of the largest one's volume are crumbs."""
_HOLLOW = 6**3
"""What is smaller, in cubes of the grid, is no hollow, but a bubble in noise."""
_INSIDE = 1e-3


def extract(field: Floats, grid: Grid, may_be: Callable[[Floats], Flags] | None = None) -> Surface:
    """The surface of a field (positive inside), which is changed. Hollows that nothing leads to are filled.

    So are narrow tunnels, where ``may_be`` is given: it says of points of the world, n × 3, whether the object may be
    there. Raises NoModelError where nothing is left.
    """
    inside = _INSIDE * grid.step
    close(field, inside)
    filled = fill_tunnels(field, inside, lambda samples: may_be(grid.points(samples))) if may_be else []
    compose(field, inside)
    surface = surface_of(field, grid)
    if len(surface.faces) == 0:
        raise NoModelError(
            "Nothing is left of the object where the photos are compared; look at the contact sheet for wrong masks, "
            "or solve again if the cameras are wrong"
        )
    labels, volumes = _parts(surface)
    if filled and reopen(field, filled, _beside(surface, labels, volumes < -_HOLLOW * grid.step**3, grid)):
        compose(field, inside)
        return without_crumbs(surface_of(field, grid))
    return _large(surface, labels, volumes)


def without_crumbs(surface: Surface) -> Surface:
    """The large parts of a surface. Small ones are left out, and so are hollows inside that nothing leads to."""
    return _large(surface, *_parts(surface))


def _large(surface: Surface, labels: Ints, volumes: Doubles) -> Surface:
    kept = volumes >= _SMALL * volumes.max()
    return without_unused(Surface(surface.vertices, surface.faces[kept[labels]]))


def _beside(surface: Surface, labels: Ints, chosen: Flags, grid: Grid) -> Ints:
    """The lower corners of the cubes that some parts of a surface run through, n × 3."""
    vertices = surface.vertices[np.unique(surface.faces[chosen[labels]])]
    return np.asarray(np.floor((vertices - grid.origin) / np.float32(grid.step)), np.int64)


def _parts(surface: Surface) -> tuple[Ints, Doubles]:
    """For each face the part it is in, and what each part encloses."""
    labels = parts(surface)
    return labels, np.array([volume(surface, surface.faces[labels == part]) for part in range(labels.max() + 1)])
