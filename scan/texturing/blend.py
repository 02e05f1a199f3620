# SPDX-License-Identifier: GPL-3.0-or-later
"""The color of every texel: the mean of all photos that see it.

A photo counts by how squarely it sees the place, how small its pixels are there, how sharp it is, and how far its
pixel is from any edge (``sights.trust``). In a second look, what is far from the mean counts less: shadows, gloss, and
what lies a little beside its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..views.surface import Surface
from ..views.threads import Workers
from ..views.view import Bytes, Flags, Floats, Ints, rotated
from .atlas import Patch, Texels
from .color import srgb
from .light import Light
from .samples import linear_at
from .sights import Sight, bilinear_colors, usual_pixel

_AT_ONCE = 120_000
_LEAST_COSINE = 0.15
_POWER = 4
_LEAST = 1e-5
_APART = 0.12
"""In the second look, what is this far from the mean counts half: in linear light, of the mean."""


@dataclass(frozen=True, eq=False)
class Paint:
    """What is known of the surface's colors."""

    color: Bytes
    """N × 3, of the texels in their order, in sRGB."""
    known: Flags
    """n: whether any photo sees it."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """A surface that is unwrapped, and its texels."""

    surface: Surface
    normals: Floats
    """M × 3 × 3, of the faces' corners, of length 1."""
    places: Floats
    """M × 3 × 2: the faces' corners, in texels, y down."""
    texels: Texels
    size: int

    def patches(self) -> list[slice]:
        """Parts of the texels that are worked on at once."""
        count = len(self.texels.at)
        return [slice(start, min(start + _AT_ONCE, count)) for start in range(0, count, _AT_ONCE)]

    def patch(self, part: slice) -> Patch:
        """The texels of a part."""
        return Patch(self.surface, self.normals, self.places, self.texels, part, self.size)


def blend(canvas: Canvas, sights: Sequence[Sight], light: Light, sharpness: Floats, workers: Workers) -> Paint:
    """The colors of all texels; ``sharpness`` is a weight for each photo. Raises Cancelled."""
    usual = usual_pixel(sights)

    def painted(part: slice) -> tuple[Bytes, Flags]:
        patch = canvas.patch(part)
        seen = [
            _seen(patch, sight, number, light, usual**2 * float(sharpness[number]))
            for number, sight in enumerate(sights)
        ]
        seen = [each for each in seen if len(each.place)]
        mean, total = _mean(seen, len(patch), [each.weight for each in seen])
        agreed = [_agreeing(each, mean) for each in seen]
        mean, _ = _mean(seen, len(patch), agreed)
        return np.rint(srgb(mean)).astype(np.uint8), total > _LEAST

    parts = list(workers.map(painted, canvas.patches()))
    return Paint(np.concatenate([color for color, _ in parts]), np.concatenate([known for _, known in parts]))


@dataclass(frozen=True, eq=False)
class _Seen:
    """What one photo shows of a patch."""

    place: Ints
    """K: numbers of texels."""
    color: Floats
    """K × 3, in linear light."""
    weight: Floats
    """k."""


def _seen(patch: Patch, sight: Sight, number: int, light: Light, share: float) -> _Seen:
    """``share`` is the weight of the photo, for a pixel that is as large as a radius of the object."""
    cosine, distance = sight.view.towards(patch.points, patch.normals)
    place = np.nonzero(cosine > _LEAST_COSINE)[0]
    x, y, is_open = sight.pixels(patch.points[place])
    place, x, y = place[is_open], x[is_open], y[is_open]
    trusted = sight.trust_at(x, y)
    sure = trusted > 0
    place, x, y = place[sure], x[sure], y[sure]
    pixel = distance[place] * np.float32(sight.view.pixel_angle)
    weight = cosine[place] ** _POWER / pixel**2 * trusted[sure] * np.float32(share)
    color = linear_at(bilinear_colors(sight.color, x, y))
    rotation = sight.view.rotation
    normals, points = (rotated(rotation, each[place]).T for each in (patch.normals, patch.points))
    color /= light.at(number, normals, points)
    return _Seen(place, color, weight.astype(np.float32))


def _mean(seen: Sequence[_Seen], count: int, weights: Sequence[Floats]) -> tuple[Floats, Floats]:
    total = np.zeros(count, np.float32)
    result = np.zeros((count, 3), np.float32)
    for each, weight in zip(seen, weights, strict=True):
        total[each.place] += weight
        result[each.place] += each.color * weight[:, None]
    result /= np.maximum(total, np.float32(1e-12))[:, None]
    return result, total


def _agreeing(seen: _Seen, mean: Floats) -> Floats:
    around = mean[seen.place]
    apart = np.abs(seen.color - around).sum(1) / (around.sum(1) + np.float32(0.02))
    return np.asarray(seen.weight / (1 + (apart * np.float32(1 / _APART)) ** 2), np.float32)
