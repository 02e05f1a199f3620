# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps of a mesh, drawn triangle by triangle (Pineda, A Parallel Algorithm for Polygon Rasterization, 1988).

Triangles whose boxes have about the same size are drawn together, the far ones first, so that the near ones lie over
them; nothing is sorted by pixel.
"""

import numpy as np

from .surface import Surface
from .view import Floats, Ints, View

_SIZES = (1, 2, 3, 4, 6, 9, 14, 24, 48, 100, 200, 400)
_AT_ONCE = 400_000
_SLACK = np.float32(-1e-4)


def depth_map(surface: Surface, view: View, *, far_side: bool = False) -> Floats:
    """Returns height × width: the depth at each pixel's centre, infinite where the view sees past the mesh.

    That of the nearest face turned to the camera, or, with ``far_side``, of the farthest that is turned away.
    """
    x, y, depth = view.project(surface.vertices)
    faces = surface.faces
    ax, bx, cx = (x[faces[:, corner]] for corner in range(3))
    ay, by, cy = (y[faces[:, corner]] for corner in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    # y points down, so that a face turned to the camera has a negative area.
    kept = np.nonzero(area > 1e-9 if far_side else area < -1e-9)[0]
    inverse = (1 / depth).astype(np.float32)
    order = np.argsort(inverse[faces[kept]].sum(1), kind="stable")
    kept = kept[order[::-1]] if far_side else kept[order]
    corners = faces[kept]
    drawn = np.zeros(view.width * view.height, np.float32)
    if far_side:
        drawn[:] = np.inf
    _draw(x[corners], y[corners], inverse[corners], area[kept], drawn, view, far_side=far_side)
    with np.errstate(divide="ignore"):
        result = 1 / drawn
    if far_side:
        result[~np.isfinite(drawn)] = np.inf
    return result.reshape(view.height, view.width)


def _draw(x: Floats, y: Floats, inverse: Floats, area: Floats, drawn: Floats, view: View, *, far_side: bool) -> None:
    """Draw triangles (all n × 3, area n) into ``drawn``, which holds the inverse of the depth."""
    x, y = x - np.float32(0.5), y - np.float32(0.5)
    left = np.maximum(np.ceil(x.min(1)), 0).astype(np.int64)
    upper = np.maximum(np.ceil(y.min(1)), 0).astype(np.int64)
    right = np.minimum(np.floor(x.max(1)), view.width - 1).astype(np.int64)
    lower = np.minimum(np.floor(y.max(1)), view.height - 1).astype(np.int64)
    size = np.maximum(right - left, lower - upper) + 1
    seen = (right >= left) & (lower >= upper)
    smallest = 0
    for largest in (*_SIZES, max(_SIZES[-1], view.width, view.height)):
        group = np.nonzero(seen & (size > smallest) & (size <= largest))[0]
        smallest = largest
        step = max(1, _AT_ONCE // (largest * largest))
        for start in range(0, len(group), step):
            part = group[start : start + step]
            columns = left[part, None] + np.tile(np.arange(largest), largest)
            rows = upper[part, None] + np.repeat(np.arange(largest), largest)
            at, value = _covered(
                x[part], y[part], inverse[part], area[part], columns, rows, (right[part], lower[part]), view
            )
            ahead = value < drawn[at] if far_side else value > drawn[at]
            drawn[at[ahead]] = value[ahead]  # the last of those at one pixel stays


def _covered(
    x: Floats, y: Floats, inverse: Floats, area: Floats, columns: Ints, rows: Ints, last: tuple[Ints, Ints], view: View
) -> tuple[Ints, Floats]:
    """The pixels that triangles cover, as places in the picture, and the inverse depth there."""
    across, down = columns.astype(np.float32), rows.astype(np.float32)
    weights = []
    for one, other in ((1, 2), (2, 0)):
        weight = (x[:, one, None] - across) * (y[:, other, None] - down)
        weight -= (x[:, other, None] - across) * (y[:, one, None] - down)
        weight /= area[:, None]
        weights.append(weight)
    weights.append(1 - weights[0] - weights[1])
    inside = (weights[0] >= _SLACK) & (weights[1] >= _SLACK) & (weights[2] >= _SLACK)
    inside &= (columns <= last[0][:, None]) & (rows <= last[1][:, None])
    value = weights[0] * inverse[:, 0, None] + weights[1] * inverse[:, 1, None] + weights[2] * inverse[:, 2, None]
    return (rows * view.width + columns)[inside], value[inside]
