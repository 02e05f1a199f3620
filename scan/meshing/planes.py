# SPDX-License-Identifier: GPL-3.0-or-later
"""The planes of sure pixels, and what they say of pixels beside them.

On a plane the inverse of the depth is linear in the picture: v = v₀ + gₓ x + gᵧ y, with x and y in pixels from its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..reconstruction.types import Floats as Doubles
from ..views.view import NEAREST, Flags, Floats, Ints
from .means import sums_around

_FAR = 40
"""So many pixels a plane reaches at most."""
_EVEN = 0.01
"""What lies further than this from its plane, in units of the world, is not one: an edge runs through its window."""
_DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True, eq=False)
class Planes:
    """For pixels, n of them: the inverse depth and its gradient."""

    value: Floats
    across: Floats
    down: Floats

    def chosen(self, which: Flags | slice) -> "Planes":
        """Those of some of the pixels."""
        return Planes(self.value[which], self.across[which], self.down[which])


@dataclass(frozen=True, eq=False)
class Reached:
    """What the sure pixels in one direction say of some pixels."""

    which: Flags
    """n: the pixels that have a sure one near enough in this direction. What follows is of these alone."""
    source: Ints
    """Which pixel the plane is of, as an index into the flattened picture."""
    planes: Planes
    """As they are at the pixels reached."""


class PlaneField:
    """The depth of each pixel, and the plane it lies in."""

    def __init__(self, depth: Floats, sure: Flags, half: int) -> None:
        """Lays planes through the ``sure`` pixels; ``half`` as for ``slopes``."""
        self.depth = depth.copy()
        across, down, error = slopes(depth, sure, half)
        self._slopes = across, down
        self._is_plane = error < _EVEN / np.maximum(depth * depth, np.float32(NEAREST))

    def reached(self, sure: Flags, rows: Ints, columns: Ints) -> Iterator[Reached]:
        """For pixels the planes of the nearest sure ones to their right, left, below and above: four times."""
        sure = sure & self._is_plane
        for direction in _DIRECTIONS:
            from_rows, from_columns, which = _nearest(sure, direction, rows, columns)
            there = from_rows[which], from_columns[which]
            planes = self._continued(there, rows[which], columns[which])
            yield Reached(which, there[0] * self.depth.shape[1] + there[1], planes)

    def put(self, rows: Ints, columns: Ints, planes: Planes) -> None:
        """Let pixels lie in other planes."""
        self.depth[rows, columns] = 1 / planes.value
        self._is_plane[rows, columns] = True
        for slope, values in zip(self._slopes, (planes.across, planes.down), strict=True):
            slope[rows, columns] = values

    def _continued(self, there: tuple[Ints, Ints], rows: Ints, columns: Ints) -> Planes:
        across, down = (slope[there] for slope in self._slopes)
        value = 1 / self.depth[there] + across * (columns - there[1]) + down * (rows - there[0])
        return Planes(value.astype(np.float32), across, down)


def slopes(depth: Floats, sure: Flags, half: int) -> tuple[Floats, Floats, Floats]:
    """Returns height × width, three times: the gradient of the inverse depth across and down, and how far it is off.

    It is that of the plane nearest to the sure pixels of a window, which is 2 · ``half`` + 1 pixels wide; their root
    mean square distance from it, in inverse depths, is what it is off: infinite where there are fewer than a row.
    """
    value = np.where(sure, 1 / np.where(sure, depth, 1), 0)
    value = np.where(sure, value - value[sure].mean(), 0)
    height, width = depth.shape
    x, y = np.arange(width) - width / 2, np.arange(height)[:, None] - height / 2
    count, sx, sy, sv, sxx, syy, sxy, sxv, syv, svv = (
        sums_around(sure * x**i * y**j * value**k, half)
        for i, j, k in (
            *((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)),
            *((2, 0, 0), (0, 2, 0), (1, 1, 0), (1, 0, 1), (0, 1, 1), (0, 0, 2)),
        )
    )
    few = count < 2 * half + 1
    count = np.maximum(count, 1)
    xx, yy, xy = sxx - sx * sx / count + 1e-3, syy - sy * sy / count + 1e-3, sxy - sx * sy / count
    xv, yv, vv = sxv - sx * sv / count, syv - sy * sv / count, svv - sv * sv / count
    size: Doubles = np.asarray(xx * yy - xy * xy)
    across, down = (yy * xv - xy * yv) / size, (xx * yv - xy * xv) / size
    error = np.sqrt(np.maximum(vv - across * xv - down * yv, 0) / count)
    error[few] = np.inf
    return across.astype(np.float32), down.astype(np.float32), error.astype(np.float32)


def _nearest(sure: Flags, direction: tuple[int, int], rows: Ints, columns: Ints) -> tuple[Ints, Ints, Flags]:
    """For pixels the next sure one in a direction (down, across), and whether there is one near enough."""
    down, across = direction
    axis = 0 if down else 1
    length = sure.shape[axis]
    places = np.arange(length)[:, None] if down else np.arange(length)[None, :]
    if down + across < 0:  # the last sure one before
        place = np.maximum.accumulate(np.where(sure, places, -1 - _FAR), axis=axis)
    else:
        flipped = np.flip(np.where(sure, places, length + _FAR), axis)
        place = np.flip(np.minimum.accumulate(flipped, axis=axis), axis)
    found = place[rows, columns]
    reached = np.abs(found - (rows if down else columns)) <= _FAR
    found = np.clip(found, 0, length - 1)
    return (found, columns, reached) if down else (rows, found, reached)
