# SPDX-License-Identifier: GPL-3.0-or-later
"""From a field on a grid to a closed surface: well-composed, netted, without what floats about."""

from collections.abc import Callable

import numpy as np

from ..common.errors import NoModelError
from ..reconstruction.types import Floats as Doubles
from .composed import close, compose
from .grid import Grid
from .nets import surface_of
from .surface import Surface, parts, volume, without_unused
from .tunnels import fill_tunnels, reopen
from .views import Flags, Floats, Ints

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
    if filled and reopen(field, filled, _hollows(surface, grid)):
        compose(field, inside)
        surface = surface_of(field, grid)
    return without_crumbs(surface)


def without_crumbs(surface: Surface) -> Surface:
    """The large parts of a surface. Small ones are left out, and so are hollows inside that nothing leads to."""
    labels = parts(surface)
    volumes = _volumes(surface, labels)
    kept = np.nonzero(volumes >= _SMALL * volumes.max())[0]
    return without_unused(Surface(surface.vertices, surface.faces[np.isin(labels, kept)]))


def _hollows(surface: Surface, grid: Grid) -> Ints:
    """The lower corners of the cubes that the surfaces of hollows run through, n × 3."""
    labels = parts(surface)
    around = np.nonzero(_volumes(surface, labels) < -_HOLLOW * grid.step**3)[0]
    vertices = surface.vertices[np.unique(surface.faces[np.isin(labels, around)])]
    return np.asarray(np.floor((vertices - grid.origin) / np.float32(grid.step)), np.int64)


def _volumes(surface: Surface, labels: Ints) -> Doubles:
    """What each part encloses."""
    return np.array([volume(surface, surface.faces[labels == part]) for part in range(labels.max() + 1)])
