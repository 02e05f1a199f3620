# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed distances of a mask: how far each pixel is from the mask's edge.

In: a soft mask, 0 to 255, whose edge lies where it crosses ``EDGE``. Out: pixels, positive inside. The distance along a
row is exact between two pixels; the shortest over all rows is the lower envelope of parabolas (Felzenszwalb and
Huttenlocher, Distance Transforms of Sampled Functions, 2012), here tried for every offset up to ``REACH``.
"""

import numpy as np

from .views import Floats

EDGE = 127.5
REACH = 32
"""Distances are cut off here, in pixels."""


def signed_distances(mask: Floats) -> Floats:
    """Returns height × width: pixels from the edge, positive inside, between -REACH and REACH."""
    values = mask - np.float32(EDGE)
    result = np.full(values.shape, -REACH, np.float32)
    rows, columns = np.nonzero((values > 0).any(1))[0], np.nonzero((values > 0).any(0))[0]
    if len(rows) == 0:
        return result
    part = (
        slice(max(rows[0] - REACH - 1, 0), rows[-1] + REACH + 2),
        slice(max(columns[0] - REACH - 1, 0), columns[-1] + REACH + 2),
    )
    values = values[part]
    squares = np.minimum(_squares(values), _squares(np.ascontiguousarray(values.T)).T)
    away = np.sqrt(squares)
    result[part] = np.where(values > 0, away, -away)
    return result


def _squares(values: Floats) -> Floats:
    """The squared distance to the nearest crossing that lies between two neighbours of one row."""
    height, width = values.shape
    here, there = values[:, :-1], values[:, 1:]
    crosses = (here > 0) != (there > 0)
    at = np.arange(width, dtype=np.float32)
    place = at[:-1] + here / np.where(crosses, here - there, 1)
    before = np.full((height, width), -4 * REACH, np.float32)
    before[:, 1:] = np.where(crosses, place, -4 * REACH)
    before = np.maximum.accumulate(before, 1)
    after = np.full((height, width), width + 4 * REACH, np.float32)
    after[:, :-1] = np.where(crosses, place, width + 4 * REACH)
    after = np.minimum.accumulate(after[:, ::-1], 1)[:, ::-1]
    along = np.minimum(np.minimum(at - before, after - at), REACH) ** 2
    squares = along.copy()
    for offset in range(1, min(REACH, height - 1) + 1):
        shifted = along + np.float32(offset * offset)
        np.minimum(squares[offset:], shifted[:-offset], out=squares[offset:])
        np.minimum(squares[:-offset], shifted[offset:], out=squares[:-offset])
    return np.minimum(squares, np.float32(REACH * REACH))
