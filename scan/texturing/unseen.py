# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors for faces that no photo shows, from those around them on the surface: on the atlas, others lie beside them."""

from dataclasses import replace

import numpy as np

from ..views.view import Bytes, Flags, Floats, Ints
from .atlas import Texels
from .blend import Canvas, Paint


def spread(canvas: Canvas, paint: Paint) -> Paint:
    """The paint with colors for all texels of faces of which it knows none. It knows some texels at least."""
    color, is_seen = _of_faces(canvas.texels, paint, len(canvas.surface.faces))
    unseen = np.nonzero(~is_seen[canvas.texels.face])[0]
    if not len(unseen):
        return paint
    around = _of_vertices(canvas.surface.faces, color, is_seen, len(canvas.surface.vertices))
    there = replace(canvas, texels=Texels(canvas.texels.at[unseen], canvas.texels.face[unseen]))
    found: Bytes = paint.color.copy()
    for part in there.patches():
        found[unseen[part]] = np.rint(there.patch(part).mean(around))
    known = paint.known.copy()
    known[unseen] = True
    return Paint(found, known)


def _of_faces(texels: Texels, paint: Paint, count: int) -> tuple[Floats, Flags]:
    """The mean color of each face's known texels, count × 3, and whether it has any."""
    first = np.nonzero(np.diff(texels.face, prepend=-1))[0]
    face = texels.face[first]
    times = np.add.reduceat(paint.known, first, dtype=np.int64)
    color = np.zeros((count, 3), np.float32)
    for channel in range(3):
        total = np.add.reduceat(paint.color[:, channel] * paint.known, first, dtype=np.int64)
        color[face, channel] = total / np.maximum(times, 1)
    is_seen = np.zeros(count, bool)
    is_seen[face] = times > 0
    return color, is_seen


def _of_vertices(faces: Ints, color: Floats, is_seen: Flags, count: int) -> Floats:
    """Returns count × 3: the mean of the seen faces around a vertex; without any, that of the vertices around it."""
    total, times = _sums(faces[is_seen], color[is_seen], np.ones(int(is_seen.sum()), np.float32), count)
    known = times > 0
    found: Floats = total / np.maximum(times, 1)[:, None]
    left = faces[~known[faces].all(1)]
    while len(left):
        corners = known[left]
        share = corners.sum(1).astype(np.float32)
        total, times = _sums(left, (found[left] * corners[..., None]).sum(1), share, count)
        reached = ~known & (times > 0)
        if not reached.any():
            break
        found[reached] = total[reached] / times[reached, None]
        known |= reached
        left = left[~known[left].all(1)]
    found[~known] = color[is_seen].mean(0)  # pieces of which nothing is seen
    return np.asarray(found, np.float32)


def _sums(faces: Ints, values: Floats, share: Floats, count: int) -> tuple[Floats, Floats]:
    """For each vertex the sums over its faces of values, m × 3, and of shares, m."""
    corner = faces.ravel()
    columns = [np.bincount(corner, np.repeat(each, 3), count).astype(np.float32) for each in (*values.T, share)]
    return np.stack(columns[:3], 1), columns[3]
