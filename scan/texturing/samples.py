# SPDX-License-Identifier: GPL-3.0-or-later
"""What all photos show of places all over a surface: by these, photos are compared and the light is found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..views.surface import Surface, face_normals, of_length_1
from ..views.threads import Workers
from ..views.view import Floats, Ints, rotated
from .color import linear
from .sights import Sight, bilinear_colors, usual_pixel

_PLACES = 40_000
"""How many are looked at."""
_STEPS = 0.7548776662, 0.5698402910
"""From place to place on a triangle (Roberts, The Unreasonable Effectiveness of Quasirandom Sequences, 2018)."""
_LEAST_COSINE = 0.3
_LEAST_TRUST = 0.5
_LONGEST = np.float32(3)
"""Pixels over which a photo's change is looked at: what is trusted so far is that far from the picture's end."""
_DARKEST, _BRIGHTEST = 6.0, 250.0
"""In 8 bits of sRGB: what is darker or brighter does not tell how bright it is."""


@dataclass(frozen=True, eq=False)
class Samples:
    """N sightings of places, in the order of the photos."""

    place: Ints
    """n: numbers from 0."""
    photo: Ints
    """n: the number of the sight."""
    light: Floats
    """N × 3: the logarithm of the linear light of red, green and blue."""
    normals: Floats
    """N × 3, of length 1, in the axes of the photo's camera."""
    points: Floats
    """N × 3, from the object's middle, in the axes of the photo's camera."""
    contrast: Floats
    """n: how much the photo changes there over the length of a usual photo's pixel, in 8 bits of sRGB."""


def take(surface: Surface, normals: Floats, sights: Sequence[Sight], workers: Workers) -> Samples:
    """Samples of the photos; ``normals`` are those of the faces' corners, m × 3 × 3. Raises Cancelled."""
    points, normals = places_on(surface, normals)
    usual = usual_pixel(sights)

    def taken(number: int) -> Samples:
        sight = sights[number]
        x, y, seen = sight.pixels(points)
        cosine, distance = sight.view.towards(points, normals)
        seen &= cosine > _LEAST_COSINE
        found = np.nonzero(seen)[0]
        found = found[sight.trust_at(x[found], y[found]) > _LEAST_TRUST]
        color = bilinear_colors(sight.color, x[found], y[found])
        usable = (color.min(1) > _DARKEST) & (color.max(1) < _BRIGHTEST)
        found, color = found[usable], color[usable]
        step = np.float32(usual / sight.view.pixel_angle) / distance[found]
        step = np.minimum(step, _LONGEST)
        contrast = np.abs(color - bilinear_colors(sight.color, x[found] + step, y[found])).mean(1)
        contrast += np.abs(color - bilinear_colors(sight.color, x[found], y[found] + step)).mean(1)
        rotation = sight.view.rotation
        return Samples(
            place=found,
            photo=np.full(len(found), number),
            light=np.log(linear_at(color)),
            normals=rotated(rotation, normals[found]).T,
            points=rotated(rotation, points[found]).T,
            contrast=contrast,
        )

    parts = list(workers.map(taken, range(len(sights))))
    return Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in Samples.__dataclass_fields__))


def places_on(surface: Surface, normals: Floats) -> tuple[Floats, Floats]:
    """Returns n × 3 twice: points spread evenly over a surface, however large its faces are, and their normals."""
    reached = np.cumsum(np.linalg.norm(face_normals(surface), axis=1), dtype=np.float64)
    count = np.arange(_PLACES)
    face = np.searchsorted(reached, (count + 0.5) * (reached[-1] / _PLACES))
    second, third = ((count * step) % 1 for step in _STEPS)
    is_beyond = second + third > 1
    second, third = np.where(is_beyond, 1 - second, second), np.where(is_beyond, 1 - third, third)
    weights = np.stack([1 - second - third, second, third], 1).astype(np.float32)
    points = np.einsum("nci,nc->ni", surface.vertices[surface.faces[face]], weights)
    return points, of_length_1(np.einsum("nci,nc->ni", normals[face], weights))


def linear_at(color: Floats) -> Floats:
    """Linear light of sRGB from 0 to 255 that is not whole."""
    table = linear(np.arange(256, dtype=np.uint8))
    low = np.minimum(color.astype(np.intp), 254)
    share = color - low
    return np.asarray(table[low] + share * (table[low + 1] - table[low]), np.float32)
