# SPDX-License-Identifier: GPL-3.0-or-later
"""A colour for every vertex: the mean of the photos that see it, each by how squarely it does."""

from collections.abc import Callable, Sequence

import numpy as np

from ..views.surface import Rings, Surface, vertex_normals
from ..views.threads import Workers
from ..views.view import Bytes, Flags, Floats, View, bilinear
from .visibility import cosines

_ROUNDS = 200
_GREY = 128


def vertex_colors(
    surface: Surface,
    views: Sequence[View],
    depths: Sequence[Floats],
    picture: Callable[[int], Bytes],
    workers: Workers,
) -> Bytes:
    """Returns n × 3: red, green and blue in sRGB.

    ``depths`` are depth maps of the surface, at any halving; ``picture`` returns height × width × 3 for the number of a
    view. What no photo sees has the colours around it. Raises Cancelled.
    """
    normals = vertex_normals(surface)

    def seen(number: int) -> tuple[Floats, Floats]:
        view = views[number]
        weight = cosines(surface, normals, view, depths[number]) ** 2
        x, y, _ = view.project(surface.vertices)
        pixels = picture(number).astype(np.float32)
        channels = [bilinear(np.ascontiguousarray(pixels[..., channel]), x.copy(), y.copy()) for channel in range(3)]
        return np.stack(channels, 1) * weight[:, None], weight

    total = np.zeros((len(normals), 3), np.float32)
    weights = np.zeros(len(normals), np.float32)
    for color, weight in workers.map(seen, range(len(views))):
        total += color
        weights += weight
    known = weights > 1e-3
    colors = np.full_like(total, _GREY)
    colors[known] = total[known] / weights[known, None]
    return np.clip(np.rint(_spread(surface, colors, known)), 0, 255).astype(np.uint8)


def _spread(surface: Surface, colors: Floats, known: Flags) -> Floats:
    """Colours for the vertices that have none, from their neighbours on."""
    rings = Rings(surface)
    share = known.astype(np.float32)
    for _ in range(_ROUNDS):
        missing = share == 0
        if not missing.any():
            break
        around = rings.mean(share)
        reached = missing & (around > 0)
        if not reached.any():
            break
        mean = rings.mean(colors * share[:, None])
        colors[reached] = mean[reached] / around[reached, None]
        share[reached] = 1
    return colors
