# SPDX-License-Identifier: GPL-3.0-or-later
"""The visual hull: what all masks leave of space (Laurentini, The Visual Hull Concept, 1994).

In: views and the signed distances of their masks. Out: for points of the world, the distance to the hull's surface in
units of the world, positive inside: the least over the views of a view's distance in pixels times the size of a pixel
there. The third least is the bound that one or two wrong masks do not move.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..common.errors import NoModelError
from ..views.shots import RANKS
from ..views.threads import Workers
from ..views.view import NEAREST, Floats, View, bilinear
from .grid import Field, Grid

UNSEEN = 1e9
SLACK = 1.5
"""The object may lie so many steps of a grid outside the bound, which is that of the third least distance."""
WIDEST = 1.6
"""The object lies within this of the origin of the unit frame, along every axis."""
_COARSE = 48


@dataclass(frozen=True, eq=False)
class Outline:
    """The outline of the object in a view."""

    view: View
    distances: Floats
    """Height × width of the view, in its pixels, positive inside."""
    ends: tuple[bool, bool, bool, bool] = (False, False, False, False)
    """Whether the photo itself ends at the view's left, upper, right and lower edge: beyond, nothing is known."""


def distances_to(outlines: Sequence[Outline], points: Floats, ranks: int = RANKS) -> Floats:
    """Returns n × ranks: the least distances of the points (n × 3), ascending.

    A view says nothing of what it does not show.
    """
    least = [np.full(len(points), UNSEEN, np.float32) for _ in range(ranks)]
    for outline in outlines:
        value = _distances_in(outline, points)
        for rank in range(ranks):
            low = np.minimum(least[rank], value)
            value = np.maximum(least[rank], value)
            least[rank] = low
    return np.stack(least, 1)


def _distances_in(outline: Outline, points: Floats) -> Floats:
    """n: the distances that one view gives."""
    view = outline.view
    x, y, depth = view.project(points)
    value = bilinear(outline.distances, x, y)
    beyond = [
        np.abs(place - np.float32(length / 2)) - np.float32(length / 2)
        for place, length in ((x, view.width), (y, view.height))
    ]
    value -= np.maximum(np.maximum(*beyond), 0)
    value *= depth
    value *= np.float32(view.pixel_angle)
    value[depth <= NEAREST] = UNSEEN
    left, upper, right, lower = outline.ends
    for is_end, past in ((left, x < 0), (upper, y < 0), (right, x > view.width), (lower, y > view.height)):
        if is_end:
            value[past] = UNSEEN
    return value


def grid_around(outlines: Sequence[Outline], samples: int, workers: Workers) -> Grid:
    """A grid around all that may be the object, with so many samples along its longest side.

    Raises Cancelled, and NoModelError where the masks have nothing in common.
    """
    box = Grid.over(np.full(3, -WIDEST, np.float32), np.full(3, WIDEST, np.float32), 2 * WIDEST / _COARSE)
    everywhere = np.ones(len(box.centers()), bool)
    (rough,) = box.fill(np.zeros(len(everywhere), np.float32), everywhere, _ranked(outlines, RANKS), workers)
    inside = np.argwhere(rough > -box.step)
    if len(inside) == 0:
        raise NoModelError(
            "The masks have nothing in common: no point of space lies in all of them. Look at the contact sheet for "
            "wrong masks, or solve again if the cameras are wrong"
        )
    low = box.origin + (inside.min(0) - 1) * np.float32(box.step)
    high = box.origin + (inside.max(0) + 1) * np.float32(box.step)
    step = float((high - low).max()) / samples
    return Grid.over(low - 2 * step, high + 2 * step, step)


def hull_on(grid: Grid, outlines: Sequence[Outline], workers: Workers, rank: int = 1) -> Floats:
    """The least distance at every sample of a grid, or the second or third least, as exact as needed near its surface.

    Raises Cancelled.
    """
    field_of = _ranked(outlines, rank)
    centers = field_of(grid.centers())
    (field,) = grid.fill(centers, np.abs(centers) <= grid.reach, field_of, workers)
    return field


def _ranked(outlines: Sequence[Outline], rank: int) -> Field:
    return lambda points: distances_to(outlines, points, rank)[:, -1]
