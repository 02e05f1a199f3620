# SPDX-License-Identifier: GPL-3.0-or-later
"""Which masks are wrong: those that alone cut away much of what all others keep.

What one mask cuts away alone lies within the surface of the second least distance (see ``hull``), outside this mask. A
right mask does so, too, where no other photo looks along the surface; but there the third least distance is mostly far
from the second, while on the object itself several masks bound about the same.

Two masks that lack the same piece hide each other where their cuts meet: they are found for sure only where they lack
most of the object, beside the surface of the third least distance. It reaches as far over right masks, where photos are
few or the object is thin, as over two that lack a fifth.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from ..views.distances import REACH
from ..views.raster import depth_map
from ..views.shots import RANKS
from ..views.surface import Surface
from ..views.threads import Workers
from .extract import extract
from .hull import Outline, distances_to, grid_around, hull_on

_SAMPLES = 64
"""Along the longest side of the grid: enough to see what is cut away."""
_DEEP = 0.06
"""What lies so far outside a mask is cut away by it, in units of the world."""
_CLOSE = 0.03
"""And counts where the third least distance is less than this: where others bound the object, too."""
_LIMITS = (2, 0.06), (3, 0.5)
"""Of the surface of the second and of the third least distance: the share of it that a right mask cuts away at most."""


def wrong_masks(outlines: Sequence[Outline], workers: Workers) -> list[int]:
    """The numbers of the views whose masks are wrong; at least ``RANKS`` are not among them.

    Raises Cancelled, and NoModelError where the masks have nothing in common.
    """
    kept = list(range(len(outlines)))
    while True:  # without the worst, others show
        worst = _worst([outlines[number] for number in kept], workers)
        if not worst or len(kept) - len(worst) < RANKS:
            return [number for number in range(len(outlines)) if number not in kept]
        kept = [number for place, number in enumerate(kept) if place not in worst]


def _worst(outlines: Sequence[Outline], workers: Workers) -> list[int]:
    """The numbers of those that are above a limit."""
    grid = grid_around(outlines, _SAMPLES, workers)
    for rank, limit in _LIMITS:
        field = hull_on(grid, outlines, workers, rank)
        if not (field > 0).any():
            continue  # two masks keep nothing
        surface = extract(field, grid)
        shares = workers.map(partial(_cut_away, outlines, surface), outlines)
        worst = [number for number, share in enumerate(shares) if share > limit]
        if worst:
            return worst
    return []


def _cut_away(outlines: Sequence[Outline], surface: Surface, outline: Outline) -> float:
    """The share of a surface, as a view shows it, that its mask cuts away although the others bound it."""
    view = outline.view
    depth = depth_map(surface, view)
    rows, columns = np.nonzero(np.isfinite(depth))
    pixel = depth[rows, columns] * np.float32(view.pixel_angle)
    deep = outline.distances[rows, columns] < -np.minimum(_DEEP / pixel, REACH - 1)
    points = view.to_world(depth[rows, columns][deep], rows[deep], columns[deep])
    return float((distances_to(outlines, points, RANKS)[:, -1] < _CLOSE).sum() / max(1, len(rows)))
