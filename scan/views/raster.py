# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps of a mesh, drawn triangle by triangle (Pineda, A Parallel Algorithm for Polygon Rasterization, 1988).

Triangles whose boxes have about the same size are drawn together, the far ones first, so that the near ones lie over
them; nothing is sorted by pixel.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .surface import Surface
from .view import Flags, Floats, Ints, View

Numbers = npt.NDArray[np.int32]

_SIZES = (1, 2, 3, 4, 6, 9, 14, 24, 48, 100, 200, 400)
_AT_ONCE = 400_000
_SLACK = np.float32(-1e-4)
_LEAST = 1e-9
"""Of the area of what is drawn, in pixels."""
_NONE = np.empty((0, 0), np.int32)


def depth_map(surface: Surface, view: View, *, far_side: bool = False) -> Floats:
    """Returns height × width: the depth at each pixel's centre, infinite where the view sees past the mesh.

    That of the nearest face turned to the camera, or, with ``far_side``, of the farthest that is turned away.
    """
    drawn, _ = _drawn(surface, view, far_side=far_side, ids=None)
    return drawn


def face_map(surface: Surface, view: View) -> tuple[Floats, Numbers]:
    """Returns height × width twice: the depth map, and the face that is seen at each pixel's centre, -1 for none."""
    return _drawn(surface, view, far_side=False, ids=np.full(view.width * view.height, -1, np.int32))


def flat_map(x: Floats, y: Floats, size: int) -> Numbers:
    """Returns size × size: which of the triangles with the corners x and y, m × 3, covers each pixel's centre.

    Pixels, y down; -1 where there is none. Triangles may be seen from either side.
    """
    with np.errstate(invalid="ignore"):  # a map that others made may hold anything
        area: Floats = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    kept = np.nonzero(np.abs(area) > _LEAST)[0]
    ids = np.full(size * size, -1, np.int32)
    drawn = np.zeros(size * size, np.float32)
    triangles = _Triangles(x[kept], y[kept], np.ones((len(kept), 3), np.float32), area[kept], kept)
    _draw(triangles, drawn, ids, (size, size), far_side=False)
    return ids.reshape(size, size)


@dataclass(frozen=True, eq=False)
class _Triangles:
    """What is drawn."""

    x: Floats
    """m × 3, in pixels, as y."""
    y: Floats
    inverse: Floats
    """m × 3, of the depth."""
    area: Floats
    """m, twice of it, with its sign."""
    number: Ints
    """m."""


def _drawn(surface: Surface, view: View, *, far_side: bool, ids: Numbers | None) -> tuple[Floats, Numbers]:
    x, y, depth = view.project(surface.vertices)
    faces = surface.faces
    ax, bx, cx = (x[faces[:, corner]] for corner in range(3))
    ay, by, cy = (y[faces[:, corner]] for corner in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    # y points down, so that a face turned to the camera has a negative area.
    kept = np.nonzero(area > _LEAST if far_side else area < -_LEAST)[0]
    inverse = (1 / depth).astype(np.float32)
    order = np.argsort(inverse[faces[kept]].sum(1), kind="stable")
    kept = kept[order[::-1]] if far_side else kept[order]
    corners = faces[kept]
    drawn = np.full(view.width * view.height, np.inf if far_side else 0, np.float32)
    triangles = _Triangles(x[corners], y[corners], inverse[corners], area[kept], kept)
    _draw(triangles, drawn, ids, (view.width, view.height), far_side=far_side)
    with np.errstate(divide="ignore"):
        result = 1 / drawn
    if far_side:
        result[~np.isfinite(drawn)] = np.inf
    shape = view.height, view.width
    return result.reshape(shape), _NONE if ids is None else ids.reshape(shape)


def _draw(triangles: _Triangles, drawn: Floats, ids: Numbers | None, size: tuple[int, int], *, far_side: bool) -> None:
    """Draw into ``drawn``, which holds the inverse of the depth, and, if it is there, into ``ids``."""
    x, y = triangles.x - np.float32(0.5), triangles.y - np.float32(0.5)
    left = np.maximum(np.ceil(x.min(1)), 0).astype(np.int64)
    upper = np.maximum(np.ceil(y.min(1)), 0).astype(np.int64)
    right = np.minimum(np.floor(x.max(1)), size[0] - 1).astype(np.int64)
    lower = np.minimum(np.floor(y.max(1)), size[1] - 1).astype(np.int64)
    extent = np.maximum(right - left, lower - upper) + 1
    seen = (right >= left) & (lower >= upper)
    smallest = 0
    for largest in (*_SIZES, max(_SIZES[-1], *size)):
        group = np.nonzero(seen & (extent > smallest) & (extent <= largest))[0]
        smallest = largest
        step = max(1, _AT_ONCE // (largest * largest))
        for start in range(0, len(group), step):
            part = group[start : start + step]
            columns = left[part, None] + np.tile(np.arange(largest), largest)
            rows = upper[part, None] + np.repeat(np.arange(largest), largest)
            inside, value = _covered(
                (x[part], y[part], triangles.inverse[part], triangles.area[part]),
                (columns, rows),
                (right[part], lower[part]),
            )
            at = (rows * size[0] + columns)[inside]
            ahead = value < drawn[at] if far_side else value > drawn[at]
            at = at[ahead]
            drawn[at] = value[ahead]  # the last of those at one pixel stays
            if ids is not None:
                ids[at] = np.broadcast_to(triangles.number[part, None], inside.shape)[inside][ahead]


def _covered(
    triangle: tuple[Floats, Floats, Floats, Floats], pixels: tuple[Ints, Ints], last: tuple[Ints, Ints]
) -> tuple[Flags, Floats]:
    """Which pixels triangles cover, and the inverse depth there.

    ``triangle``: x, y and inverse depth of the corners (n × 3), and area (n); ``pixels``: columns and rows, n × k.
    """
    x, y, inverse, area = triangle
    across, down = (each.astype(np.float32) for each in pixels)
    weights = []
    for one, other in ((1, 2), (2, 0)):
        weight = (x[:, one, None] - across) * (y[:, other, None] - down)
        weight -= (x[:, other, None] - across) * (y[:, one, None] - down)
        weight /= area[:, None]
        weights.append(weight)
    weights.append(1 - weights[0] - weights[1])
    inside = (weights[0] >= _SLACK) & (weights[1] >= _SLACK) & (weights[2] >= _SLACK)
    inside &= (pixels[0] <= last[0][:, None]) & (pixels[1] <= last[1][:, None])
    value = weights[0] * inverse[:, 0, None] + weights[1] * inverse[:, 1, None] + weights[2] * inverse[:, 2, None]
    return inside, value[inside]
