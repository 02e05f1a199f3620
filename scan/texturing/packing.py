# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts laid out on a square: each, the largest first, is let down to where it comes to rest with the least waste.

The outlines of charts are columns with an upper and a lower end, as in Lévy et al., Least Squares Conformal Maps for
Automatic Texture Atlas Generation, 2002, chapter 4. Here each chart is tried in several directions.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from ..common.errors import NoModelError
from ..common.text import count
from ..views.raster import Numbers
from ..views.view import Flags, Floats
from .charts import Charts

GUTTER = 2
"""Texels between a chart and what is beside it, on either side."""
_COLUMNS = 1024
_HOLES = 256
"""Rows and columns of cells, by which room is looked for beneath what lies there."""
_SHARE = _COLUMNS // _HOLES
_HALF_A_CELL = 0.5
"""A place is free where this much is taken at most: transforms are not exact."""
_HIGH = 0.6
"""What a row higher counts, beside waste, for each column."""
_ANGLES = 12
_TRIES = 5
_TURNS = 4
_LEAST = 0.01
"""Charts that do not fit at this share of the scale at which they would fill the square do not fit for their number."""


@dataclass(frozen=True, eq=False)
class _Shape:
    """A chart in one direction: its corners from (0, 0) on, and the ends of its columns, in columns of the square."""

    places: Floats
    lower: Numbers
    upper: Numbers


def pack(charts: Charts, size: int) -> Floats:
    """Returns m × 3 × 2: x to the right and y down of the faces' corners, in texels of a square of ``size``.

    Raises NoModelError where there are too many charts.
    """
    order = np.argsort(charts.number, kind="stable")
    bounds = np.searchsorted(charts.number[order], np.arange(int(charts.number.max()) + 2))
    groups = [order[start:end] for start, end in itertools.pairwise(bounds)]
    turned = [_laid(charts.places[group]) for group in groups]
    areas = sum(float(_area(each)) for each in turned)
    low, high = 0.74, 0.9
    unit = size / np.sqrt(areas)
    may_fit = len(groups) * (2 * GUTTER) ** 2 < size * size
    while (best := _try(turned, unit * low, size) if may_fit else None) is None:
        high, low = low, low * 0.7
        may_fit &= low > _LEAST
        if not may_fit:
            raise NoModelError(
                f"The mesh falls into {count(len(groups), 'piece')}, too many for a texture of {size:,} pixels; choose "
                "a larger size, or a mesh that hangs together"
            )
    for _ in range(_TRIES):
        middle = (low + high) / 2
        found = _try(turned, unit * middle, size)
        if found is None:
            high = middle
        else:
            low, best = middle, found
    places = np.zeros_like(charts.places)
    for group, each in zip(groups, best, strict=True):
        places[group] = each
    return places


def _area(places: Floats) -> float:
    one, other = places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]
    return float(np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum() / 2)


def _laid(places: Floats) -> Floats:
    """A chart turned so that its box is smallest, wider than high, from (0, 0) on."""
    flat = places.reshape(-1, 2)
    best, least = flat, np.inf
    for angle in np.arange(_ANGLES) * (np.pi / 2 / _ANGLES):
        turned = _rotated(flat, float(angle))
        extent = np.ptp(turned, axis=0)
        if extent[0] * extent[1] < least * 0.999:
            least, best = extent[0] * extent[1], turned
    wide, high = np.ptp(best, axis=0)
    if high > wide:
        best = _rotated(best, np.pi / 2)
    return np.asarray((best - best.min(0)).reshape(places.shape), np.float32)


def _rotated(points: Floats, angle: float) -> Floats:
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    x, y = points[:, 0], points[:, 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], 1)


def _try(turned: list[Floats], scale: float, size: int) -> list[Floats] | None:
    """The charts at a scale, in texels; None where they do not fit."""
    cell = size / _COLUMNS
    heights = np.array([float(np.ptp(each[..., 1])) for each in turned])
    sheet = _Sheet()
    result: list[Floats | None] = [None] * len(turned)
    for number in np.argsort(-heights, kind="stable").tolist():
        shapes = [_shape(turned[number] * np.float32(scale), turn, cell) for turn in range(_TURNS)]
        found = sheet.hole(shapes) or sheet.rest(shapes)
        if found is None:
            return None
        shape, left, base = found
        sheet.take(shape, left, base)
        result[number] = shape.places + np.array([left * cell, base * cell], np.float32)
    return [each for each in result if each is not None]


_Place = tuple[_Shape, int, int]
"""A shape, and its first column and row."""


class _Sheet:
    """What of the square is taken."""

    def __init__(self) -> None:
        self._horizon = np.zeros(_COLUMNS, np.int32)
        self._taken = np.zeros((_HOLES, _HOLES), bool)

    def rest(self, shapes: list[_Shape]) -> _Place | None:
        """Where a shape comes to rest on the horizon with the least waste below it; None where it would stand out."""
        best: _Place | None = None
        least = np.inf
        reached = np.concatenate([[0], self._horizon.cumsum()])
        for shape in shapes:
            if len(shape.lower) > _COLUMNS:
                continue
            windows = np.lib.stride_tricks.sliding_window_view(self._horizon, len(shape.lower))
            bases = (windows - shape.lower).max(1)
            tops = bases + shape.upper.max()
            beneath = reached[len(shape.lower) :] - reached[: -len(shape.lower)]
            waste = bases * len(shape.lower) + shape.lower.sum() - beneath
            cost = np.where(tops <= _COLUMNS, waste + _HIGH * tops * len(shape.lower), np.inf)
            left = int(cost.argmin())
            if cost[left] < least:
                least, best = float(cost[left]), (shape, left, int(bases[left]))
        return best

    def hole(self, shapes: list[_Shape]) -> _Place | None:
        """Where a shape finds room below the horizon, as low as it can be; None where it does not."""
        taken = np.fft.rfft2(self._taken)
        best: _Place | None = None
        least = int(self._horizon.max()) // _SHARE + 1
        for shape in shapes:
            cells = _cells(shape)
            high, wide = cells.shape
            if high > _HOLES or wide > _HOLES:
                continue
            # How much of what is taken a shape would lie on, at all places at once.
            spectrum = taken * np.fft.rfft2(cells, self._taken.shape).conj()
            under = np.fft.irfft2(spectrum, self._taken.shape)[: _HOLES - high + 1, : _HOLES - wide + 1]
            rows, columns = np.nonzero(under < _HALF_A_CELL)
            if len(rows) and rows[0] + high < least:
                least = int(rows[0]) + high
                best = shape, int(columns[0]) * _SHARE, int(rows[0]) * _SHARE
        return best

    def take(self, shape: _Shape, left: int, base: int) -> None:
        """Lay a shape down."""
        part = slice(left, left + len(shape.lower))
        self._horizon[part] = np.maximum(self._horizon[part], base + shape.upper)
        cells = _cells(shape, left % _SHARE, base % _SHARE)
        row, column = base // _SHARE, left // _SHARE
        self._taken[row : row + cells.shape[0], column : column + cells.shape[1]] |= cells


def _cells(shape: _Shape, left: int = 0, base: int = 0) -> Flags:
    """The cells that a shape touches, so many columns and rows away from their corner: rows × columns."""
    column = (left + np.arange(len(shape.lower))) // _SHARE
    first, last = (base + shape.lower) // _SHARE, -(-(base + shape.upper) // _SHARE)
    rows = np.arange(int(last.max()))[:, None]
    inside = (rows >= first) & (rows < last)
    return np.logical_or.reduceat(inside, np.searchsorted(column, np.arange(int(column[-1]) + 1)), axis=1)


def _shape(places: Floats, turn: int, cell: float) -> _Shape:
    """A chart after so many quarter turns, with a gutter all around."""
    for _ in range(turn):
        places = np.stack([-places[..., 1], places[..., 0]], -1)
    places = places - places.reshape(-1, 2).min(0)
    places += np.float32(GUTTER)
    low, high = places.min(1), places.max(1)
    left = np.maximum((low[:, 0] - GUTTER) / cell, 0).astype(np.int64)
    right = ((high[:, 0] + GUTTER) / cell).astype(np.int64)
    width = int(right.max()) + 1
    lower = np.full(width, np.iinfo(np.int32).max, np.int64)
    upper = np.zeros(width, np.int64)
    bottom = np.maximum((low[:, 1] - GUTTER) / cell, 0).astype(np.int64)
    top = ((high[:, 1] + GUTTER) / cell).astype(np.int64) + 1
    wide = right - left
    for offset in range(int(wide.max()) + 1):
        reached = wide >= offset
        np.minimum.at(lower, left[reached] + offset, bottom[reached])
        np.maximum.at(upper, left[reached] + offset, top[reached])
    return _Shape(places, np.minimum(lower, upper).astype(np.int32), upper.astype(np.int32))
