# SPDX-License-Identifier: GPL-3.0-or-later
"""One surface from all depth maps: a truncated signed distance field, with the hull as a weak prior and a firm bound.

The field is that of Curless and Levoy, A Volumetric Method for Building Complex Models from Range Images, 1996.

In: depth maps with weights, and outlines. Out: a field on a grid, positive inside, cut off at ``band``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..views.threads import Workers
from ..views.view import Flags, Floats, View
from .grid import Grid
from .hull import SLACK, Outline, distances_to

_PRIOR = np.float32(0.02)
"""How much the hull counts, where a sure depth that two neighbours confirm counts 1."""
_IN_FRONT = np.float32(0.5)
"""How much a depth counts for what lies further in front of it than the band: that it is empty."""
_UNSEEN = np.float32(0.01)
"""Where the depths count less than this, half of what the hull does, a sample is as good as not seen."""
_SLAB = 32


@dataclass(frozen=True, eq=False)
class Weighted:
    """A view's depth map with weights; both height × width, 0 where there is nothing."""

    view: View
    depth: Floats
    weights: Floats


@dataclass(frozen=True, eq=False)
class Fused:
    """The field, and how much was seen at each sample of the grid."""

    field: Floats
    seen: Floats


def fuse(grid: Grid, outlines: Sequence[Outline], maps: Sequence[Weighted], band: float, workers: Workers) -> Fused:
    """Raises Cancelled."""
    centers = grid.centers()
    hull = distances_to(outlines, centers)
    reach = grid.reach
    firm = hull[:, -1] + np.float32(SLACK * grid.step)
    near = (np.abs(hull[:, 0]) <= reach) | (np.abs(firm) <= reach)
    near |= grid.neighbouring(_holding(grid, maps, workers))
    near &= firm > -reach
    coarse = _blended(hull, _sums(maps, centers, band), grid.step, band)

    def field(points: Floats) -> Floats:
        return _blended(distances_to(outlines, points), _sums(maps, points, band), grid.step, band)

    return Fused(*grid.fill(coarse, near, field, workers))


def _blended(hull: Floats, sums: Floats, step: float, band: float) -> Floats:
    """Returns n × 2: the field, and how much was seen."""
    prior = np.clip(hull[:, 0], -band, band)
    firm = np.clip(hull[:, -1] + np.float32(SLACK * step), -band, band)
    field = np.minimum((sums[:, 0] + _PRIOR * prior) / (sums[:, 1] + _PRIOR), firm)
    return np.stack([field, sums[:, 1]], 1)


def _sums(maps: Sequence[Weighted], points: Floats, band: float) -> Floats:
    """Returns n × 2: for points the weighted sum of the maps' distances, positive behind them, and of weights."""
    limit = np.float32(band)
    total = np.zeros((len(points), 2), np.float32)
    for each in maps:
        x, y, depth = each.view.project(points)
        inside, at = each.view.pixel_of(x, y)
        behind = depth - each.depth.ravel()[at]
        weight = each.weights.ravel()[at]
        weight *= inside & (behind < limit)
        weight *= np.where(behind < -limit, _IN_FRONT, np.float32(1))
        np.clip(behind, -limit, limit, out=behind)
        behind *= weight
        total[:, 0] += behind
        total[:, 1] += weight
    return total


def _holding(grid: Grid, maps: Sequence[Weighted], workers: Workers) -> Flags:
    """The blocks of the grid in which a depth lies."""
    count = int(np.prod(grid.blocks))

    def of(each: Weighted) -> Flags:
        rows, columns = np.nonzero(each.weights > 0)
        found = np.zeros(count, bool)
        found[grid.block_of(each.view.to_world(each.depth[rows, columns], rows, columns))] = True
        return found

    holding = np.zeros(count, bool)
    for found in workers.map(of, maps):
        holding |= found
    return holding


def smooth(fused: Fused, band: float, rounds: int, workers: Workers) -> Floats:
    """The field with what is hardly seen drawn smooth, by diffusion held by what was seen. Raises Cancelled."""
    result = np.empty_like(fused.field)
    length = len(result)

    def work(start: int) -> tuple[slice, Floats]:
        # What is beyond the slab by a sample a round has its say in it.
        low, high = max(0, start - rounds), min(length, start + _SLAB + rounds)
        smoothed = _diffused(fused.field[low:high], fused.seen[low:high], band, rounds)
        stop = min(length, start + _SLAB)
        return slice(start, stop), smoothed[start - low : stop - low]

    for part, values in workers.map(work, range(0, length, _SLAB)):
        result[part] = values
    return result


def trim(field: Floats, fused: Fused) -> None:
    """Take from a smooth field what smoothing added where nothing was seen: no object reaches beyond its hull."""
    np.minimum(field, fused.field, out=field, where=fused.seen < _UNSEEN)


def _diffused(field: Floats, seen: Floats, band: float, rounds: int) -> Floats:
    given, field = field, field.copy()
    hold = seen / (seen + np.float32(0.3)) * np.float32(0.7)
    inner = (slice(1, -1),) * 3
    for _ in range(rounds):
        mean = np.zeros_like(field[inner])
        for axis in range(3):
            for ahead in (slice(2, None), slice(None, -2)):
                part = list(inner)
                part[axis] = ahead
                mean += field[tuple(part)]
        mean /= 6
        in_band = np.abs(field[inner]) < np.float32(band * 0.99)
        blended = hold[inner] * given[inner] + (1 - hold[inner]) * mean
        field[inner] = np.where(in_band, blended, field[inner])
    return field
