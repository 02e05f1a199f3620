# SPDX-License-Identifier: GPL-3.0-or-later
"""Depths for pixels that have none to be sure of, from the planes of those around them that do.

The windows of a sweep slant as its base does; where that is wrong, as over the mouth of a hollow, nothing fits. Here a
pixel takes the plane of the nearest sure pixel to its left, right, above and below, and keeps the one on which the
photos agree best, in the manner of PatchMatch stereo (Bleyer, Rhemann and Rother, PatchMatch Stereo, 2011; Galliani,
Lasinger and Schindler, Massively Parallel Multiview Stereopsis by Surface Normal Diffusion, 2015). What was found is
sure in the next round.

On a plane the inverse of the depth is linear in the picture: v = v₀ + gₓ x + gᵧ y, with x and y in pixels from its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .sweep import BEST, DepthMap, Picture, combined
from .views import Flags, Floats, Ints, bilinear
from .windows import HALF, NOISE, WINDOW, box_sums

_SURE = np.float32(0.45)
"""A weight (see ``agreement``) from which on a pixel is sure."""
_FAR = 40
"""So many pixels a plane reaches at most."""
_GOOD, _BETTER = 0.5, 0.05
"""A plane is taken where the photos agree at least so well, and by so much better than at the depth of before."""
_ROUNDS = 3
_AT_ONCE = 4000
_DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))
_ACROSS = np.tile(np.arange(-HALF, HALF + 1), WINDOW).astype(np.float32)
_DOWN = np.repeat(np.arange(-HALF, HALF + 1), WINDOW).astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Planes:
    """For pixels, n of them: the inverse depth and its gradient."""

    value: Floats
    across: Floats
    down: Floats


def spread(picture: Picture, others: Sequence[Picture], found: DepthMap, weights: Floats) -> DepthMap:
    """The depth map with more of its pixels sure. Pixels without a depth have none afterwards, either."""
    depth, score = found.depth.copy(), found.score.copy()
    inside = depth > 0
    sure = weights > _SURE
    for _ in range(_ROUNDS):
        rows, columns = np.nonzero(inside & ~sure)
        if len(rows) == 0 or not sure.any() or not others:
            break
        slopes = _slopes(depth, sure)
        before = score.copy()
        for direction in _DIRECTIONS:
            from_rows, from_columns, reached = _nearest(sure, direction, rows, columns)
            r, c = rows[reached], columns[reached]
            planes = _continued(depth, slopes, from_rows[reached], from_columns[reached], r, c)
            tried = _scores(picture, others, planes, inside, r, c)
            better = (tried > _GOOD) & (tried > before[r, c] + _BETTER) & (tried > score[r, c]) & (planes.value > 0)
            depth[r[better], c[better]] = 1 / planes.value[better]
            score[r[better], c[better]] = tried[better]
        sure = sure | (score > before)
    return DepthMap(depth, score)


def _slopes(depth: Floats, sure: Flags) -> tuple[Floats, Floats]:
    """Returns height × width, twice: the gradient of the inverse depth, across and down, in a window's sure pixels."""
    weight = np.pad(sure.astype(np.float32), HALF)
    value = np.where(sure, 1 / np.where(sure, depth, 1), 0)
    middle = value[sure].mean()
    value = np.pad(np.where(sure, value - middle, 0), HALF)
    height, width = weight.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    count, sx, sy, sv, sxx, syy, sxy, sxv, syv = (
        box_sums(np.asarray(each * weight, np.float64))
        for each in (1.0, x, y, value, x * x, y * y, x * y, x * value, y * value)
    )
    count = np.maximum(count, 1)
    xx, yy, xy = sxx - sx * sx / count + 1e-3, syy - sy * sy / count + 1e-3, sxy - sx * sy / count
    xv, yv = sxv - sx * sv / count, syv - sy * sv / count
    size: Floats = np.asarray(xx * yy - xy * xy)
    return np.asarray((yy * xv - xy * yv) / size, np.float32), np.asarray((xx * yv - xy * xv) / size, np.float32)


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


def _continued(
    depth: Floats, slopes: tuple[Floats, Floats], from_rows: Ints, from_columns: Ints, rows: Ints, columns: Ints
) -> _Planes:
    """The planes of some pixels, as they are at others."""
    across, down = slopes[0][from_rows, from_columns], slopes[1][from_rows, from_columns]
    value = 1 / depth[from_rows, from_columns]
    value = value + across * (columns - from_columns) + down * (rows - from_rows)
    return _Planes(value.astype(np.float32), across, down)


def _scores(
    picture: Picture,
    others: Sequence[Picture],
    planes: _Planes,
    inside: Flags,
    rows: Ints,
    columns: Ints,
) -> Floats:
    """Returns n: how well the photos agree on windows that lie in the planes of pixels, as ``windows.scores``."""
    result = np.zeros(len(rows), np.float32)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        chunk = _Planes(planes.value[part], planes.across[part], planes.down[part])
        result[part] = _scores_of(picture, others, chunk, inside, rows[part], columns[part])
    return result


def _scores_of(
    picture: Picture,
    others: Sequence[Picture],
    planes: _Planes,
    inside: Flags,
    rows: Ints,
    columns: Ints,
) -> Floats:
    view = picture.view
    r = np.clip(rows[:, None] + _DOWN.astype(np.int64), 0, view.height - 1)
    c = np.clip(columns[:, None] + _ACROSS.astype(np.int64), 0, view.width - 1)
    inverse = planes.value[:, None] + planes.across[:, None] * _ACROSS + planes.down[:, None] * _DOWN
    weight = (inside[r, c] & (inverse > 0)).astype(np.float32)
    depth = 1 / np.maximum(inverse, np.float32(1e-6))
    world = view.to_world(depth.ravel(), r.ravel(), c.ravel())
    reference, energy = _normalised(picture.grey[r, c], weight)
    ranked = np.full((len(others), len(rows)), -1, np.float32)
    for number, other in enumerate(others):
        u, v, _ = other.view.project(world)
        seen, other_energy = _normalised(bilinear(other.grey, u, v).reshape(r.shape), weight)
        ranked[number] = (reference * seen * weight).sum(1) / np.sqrt(energy * other_energy)
    ranked.sort(axis=0)
    return combined([ranked[-number] for number in range(1, min(BEST, len(ranked)) + 1)])


def _normalised(values: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Windows (n × 49) with mean 0, and the sum of their squares (n) with that of noise."""
    count = np.maximum(weight.sum(1), 1)
    values = values - ((values * weight).sum(1) / count)[:, None]
    return values, (values * values * weight).sum(1) + NOISE * count
