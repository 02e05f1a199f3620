# SPDX-License-Identifier: GPL-3.0-or-later
"""Depths for pixels that have none to be sure of, from the planes of those around them that do.

The windows of a sweep slant as its base does; where that is wrong, as over the mouth of a hollow, nothing fits. Here a
pixel takes the plane of the nearest sure pixel to its left, right, above and below, and keeps the one on which the
photos agree best, in the manner of PatchMatch stereo (Bleyer, Rhemann and Rother, PatchMatch Stereo, 2011; Galliani,
Lasinger and Schindler, Massively Parallel Multiview Stereopsis by Surface Normal Diffusion, 2015). What was found is
sure in the next round.
"""

from collections.abc import Sequence

import numpy as np

from ..views.view import NEAREST, Flags, Floats, Ints, bilinear
from .planes import PlaneField, Planes
from .sweep import BEST, DepthMap, Picture, combined
from .windows import HALF, NOISE, WINDOW, homography

SURE = np.float32(0.45)
"""A weight (see ``agreement``) from which on a pixel is sure."""
_GOOD, _BETTER = 0.5, 0.05
"""A plane is taken where the photos agree at least so well, and by so much better than at the depth of before."""
_ROUNDS = 3
_AT_ONCE = 4000
_ACROSS = np.tile(np.arange(-HALF, HALF + 1), WINDOW).astype(np.float32)
_DOWN = np.repeat(np.arange(-HALF, HALF + 1), WINDOW).astype(np.float32)


def spread(picture: Picture, others: Sequence[Picture], found: DepthMap, weights: Floats) -> DepthMap:
    """The depth map with more of its pixels sure. Pixels without a depth have none afterwards, either."""
    inside = found.depth > 0
    sure = weights > SURE
    if not others or not sure.any():
        return found
    field, score = PlaneField(found.depth, sure, HALF), found.score.copy()
    windows = _Windows(picture, others, inside)
    tried_before = np.full((4, *sure.shape), -1, np.int32)
    for _ in range(_ROUNDS):
        rows, columns = np.nonzero(inside & ~sure)
        before = score.copy()
        for last, reached in zip(tried_before, field.reached(sure, rows, columns), strict=True):
            r, c = rows[reached.which], columns[reached.which]
            new = (last[r, c] != reached.source) & (reached.planes.value > 0)
            last[r, c] = reached.source
            r, c, planes = r[new], c[new], reached.planes.chosen(new)
            tried = windows.scores(planes, r, c)
            better = (tried > _GOOD) & (tried > before[r, c] + _BETTER) & (tried > score[r, c])
            r, c = r[better], c[better]
            field.put(r, c, planes.chosen(better))
            score[r, c] = tried[better]
        sure = sure | (score > before)
    return DepthMap(field.depth, score)


class _Windows:
    """Windows of a picture, seen in others; pixels that are not ``inside`` do not count."""

    def __init__(self, picture: Picture, others: Sequence[Picture], inside: Flags) -> None:
        self._picture, self._others, self._inside = picture, others, inside
        view = picture.view
        a_pixel = np.array([[1 / view.focal_x, 0], [0, 1 / view.focal_y], [0, 0]], np.float32)[:, None]
        self._steps = [homography(view, other.view, a_pixel).slope[:, 0] for other in others]

    def scores(self, planes: Planes, rows: Ints, columns: Ints) -> Floats:
        """Returns n: how well the photos agree on windows that lie in the planes of pixels, as ``windows.scores``."""
        result = np.zeros(len(rows), np.float32)
        for start in range(0, len(rows), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            result[part] = self._some(planes.chosen(part), rows[part], columns[part])
        return result

    def _some(self, planes: Planes, rows: Ints, columns: Ints) -> Floats:
        view = self._picture.view
        r = np.clip(rows[:, None] + _DOWN.astype(np.int64), 0, view.height - 1)
        c = np.clip(columns[:, None] + _ACROSS.astype(np.int64), 0, view.width - 1)
        inverse = _over_window(planes.value, planes.across, planes.down)
        weight = (self._inside[r, c] & (inverse > 0)).astype(np.float32)
        reference, energy = _normalised(self._picture.grey[r, c], weight)
        ranked = np.full((len(self._others), len(rows)), -1, np.float32)
        rays = view.rays_at(rows, columns)[:, None]
        for number, (other, step) in enumerate(zip(self._others, self._steps, strict=True)):
            here = homography(view, other.view, rays)
            x, y, bottom = (
                _over_window(
                    here.slope[axis, 0] + here.shift[axis] * planes.value,
                    step[axis, 0] + here.shift[axis] * planes.across,
                    step[axis, 1] + here.shift[axis] * planes.down,
                )
                for axis in range(3)
            )
            np.maximum(bottom, np.float32(NEAREST), out=bottom)
            np.reciprocal(bottom, out=bottom)
            x *= bottom
            y *= bottom
            seen, other_energy = _normalised(bilinear(other.grey, x, y), weight)
            ranked[number] = (reference * seen).sum(1) / np.sqrt(energy * other_energy)
        ranked.sort(axis=0)
        return combined([ranked[-number] for number in range(1, min(BEST, len(ranked)) + 1)])


def _over_window(middle: Floats, across: Floats, down: Floats) -> Floats:
    """Returns n × 49: what is linear in the picture, over windows; its values (n) at their middles and its slopes."""
    result = across[:, None] * _ACROSS
    result += down[:, None] * _DOWN
    result += middle[:, None]
    return result


def _normalised(values: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Windows (n × 49) with mean 0, and 0 where nothing counts; and the sum of their squares (n) with that of noise."""
    count = np.maximum(weight.sum(1), 1)
    values = values * weight
    values -= weight * (values.sum(1) / count)[:, None]
    return values, (values * values).sum(1) + NOISE * count
