# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed distances of a mask: how far each pixel is from the mask's edge.

In: a soft mask, 0 to 255: how much of each pixel is covered. Out: pixels, positive inside. Between neighbours in a row
or column, one more than half covered and one less, the edge is a short straight piece: across the gradient, where the
cover of the nearer one puts it (Gustavson and Strand, Anti-aliased Euclidean distance transform, 2011). Close by,
distances are to the pieces; farther off to their middles, by the lower envelope of parabolas (Felzenszwalb and
Huttenlocher, Distance Transforms of Sampled Functions, 2012), here tried for every offset up to ``REACH``.
"""

import numpy as np

from .view import Floats, Ints

EDGE = 127.5
REACH = 32
"""Distances are cut off here, in pixels."""
NEAR = 4
"""So many rows and columns from where a piece is, distances are to all of it."""
STEEP, MIDDLE = 0.6, 1e-3
"""A piece has a length, that of the edge in its row (or column), where it is at most so steep to it and further than
this from the middle of its neighbours: there is that of a mask that is not soft, which does not tell its direction."""


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
    """The squared distance to the nearest piece of the edge that lies between two neighbours of one row."""
    height, width = values.shape
    rows, left = np.nonzero((values[:, :-1] > 0) != (values[:, 1:] > 0))
    past, across, down = _pieces(values, rows, left)
    before = np.full((height, width), -4 * REACH, np.float32)
    before[rows, left + 1] = left + past
    before = np.maximum.accumulate(before, 1)
    after = np.full((height, width), width + 4 * REACH, np.float32)
    after[rows, left] = left + past
    after = np.minimum.accumulate(after[:, ::-1], 1)[:, ::-1]
    at = np.arange(width, dtype=np.float32)
    along = np.minimum(np.minimum(at - before, after - at), REACH) ** 2
    squares = along.copy()
    for offset in range(1, min(REACH, height - 1) + 1):
        shifted = along + np.float32(offset * offset)
        np.minimum(squares[offset:], shifted[:-offset], out=squares[offset:])
        np.minimum(squares[:-offset], shifted[offset:], out=squares[:-offset])
    has_length = (np.abs(across) > STEEP) & (np.abs(past - np.float32(0.5)) > MIDDLE)
    half = np.where(has_length, np.float32(0.5) / np.abs(across), np.float32(0))
    padded = np.pad(squares, NEAR)
    flat, first = padded.ravel(), (rows + NEAR) * padded.shape[1] + left + NEAR
    for x in range(1 - NEAR, NEAR + 1):
        beside = x - past
        for y in range(-NEAR, NEAR + 1):
            along_it = np.maximum(np.abs(across * y - down * beside) - half, 0)
            square = (across * beside + down * y) ** 2 + along_it**2
            place = first + (y * padded.shape[1] + x)
            flat[place] = np.minimum(flat[place], square)
    return padded[NEAR:-NEAR, NEAR:-NEAR]


def _pieces(values: Floats, rows: Ints, left: Ints) -> tuple[Floats, Floats, Floats]:
    """How far to the right of the left neighbour the edge is, 0 to 1, and the gradient's direction, x and y."""
    wide = np.pad(values, 1, mode="edge")
    upper, middle, lower = ([wide[rows + y, left + x] for x in range(4)] for y in range(3))
    here, there = middle[1], middle[2]
    sides = [upper[x] + np.float32(2**0.5) * middle[x] + lower[x] for x in range(4)]
    across = sides[3] - sides[0] + sides[2] - sides[1]
    down = lower[0] - upper[0] + lower[3] - upper[3]
    down += np.float32(1 + 2**0.5) * (lower[1] - upper[1] + lower[2] - upper[2])
    ascends = np.sign(there - here)
    across = ascends * np.maximum(ascends * across, 1)  # noise may have it point back
    length = np.hypot(across, down)
    across, down = across / length, down / length
    is_right = np.abs(there) < np.abs(here)
    off = _off(np.where(is_right, there, here), np.abs(across), np.abs(down)) / np.abs(across)
    off = np.minimum(off, np.float32(0.5))  # the nearer one's half of the way
    return np.where(is_right, 1 - off, off), across, down


def _off(values: Floats, across: Floats, down: Floats) -> Floats:
    """How far a straight edge is from the middle of a pixel that it leaves partly covered."""
    most, least = np.maximum(across, down), np.minimum(across, down)
    away = np.abs(values) / np.float32(2 * EDGE)
    corner = (most + least) / 2 - np.sqrt(2 * most * least * np.maximum(np.float32(0.5) - away, 0))
    return np.where(away * most < (most - least) / 2, away * most, corner)
