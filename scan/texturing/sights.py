# SPDX-License-Identifier: GPL-3.0-or-later
"""What each photo shows of a surface: its colors, how far they can be trusted, and what hides what.

A pixel is trusted the more, the further it is from where the object ends, by the mask or by the mesh, and from where
one part of the object hides another: there it has colors of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..views.arrays import Arrays
from ..views.raster import depth_map
from ..views.shots import COLOR, MASK
from ..views.surface import Surface
from ..views.threads import Workers
from ..views.view import Bytes, Flags, Floats, Ints, View

TRUST, SHARP = "trust", "sharp"
"""Kinds of arrays, 8 bits: how far each pixel counts, 0 to 255 (height × width), and colors as ``sharpened``."""
_NOTHING, _FULL = 2, 8
"""Pixels from the edge of what is shown: up to the first they do not count, from the second on they count in full."""
_SHARPENING = 0.125
_INSIDE = 128
SLACK = 0.008
"""How far a point may lie behind the depth map and be seen, in radii of the object."""
_JUMP = 0.02
"""Where a depth map bends by more than this from pixel to pixel, in radii, one part of the object hides another."""


@dataclass(frozen=True, eq=False)
class Sight:
    """One photo's part around the object."""

    view: View
    color: Bytes
    """Height × width × 3, red, green and blue in sRGB, sharpened; on disk."""
    trust: Bytes
    """Height × width, see ``TRUST``; on disk."""
    depth: Floats
    """Half the height × half the width: the depth map of the surface."""

    def pixels(self, points: Floats) -> tuple[Floats, Floats, Flags]:
        """X and y in pixels of points, n × 3, and whether each is in the picture, and nothing lies before it."""
        x, y, depth = self.view.project(points)
        inside = (x >= 1) & (y >= 1) & (x < self.view.width - 1) & (y < self.view.height - 1)
        column = np.where(inside, x, 0) * np.float32(0.5)
        row = np.where(inside, y, 0) * np.float32(0.5)
        before = self.depth[row.astype(np.intp), column.astype(np.intp)]
        return x, y, inside & (depth < before + np.float32(SLACK))

    def trust_at(self, x: Floats, y: Floats) -> Floats:
        """How far the pixels at x and y, which are in the picture, count: 0 to 1."""
        found = self.trust[y.astype(np.intp), x.astype(np.intp)]
        return found.astype(np.float32) * np.float32(1 / 255)


def sights_of(views: Sequence[View], arrays: Arrays, surface: Surface, workers: Workers) -> list[Sight]:
    """The sights of all views, whose colors and masks are kept in ``arrays``. Raises Cancelled, OutputError."""

    def sight(number: int) -> Sight:
        view = views[number]
        depth = depth_map(surface, view.halved(1))
        arrays.put(TRUST, number, trust(arrays.bytes(MASK, number) >= _INSIDE, depth))
        arrays.put(SHARP, number, sharpened(arrays.bytes(COLOR, number)))
        return Sight(view, arrays.mapped(SHARP, number), arrays.mapped(TRUST, number), depth)

    return list(workers.map(sight, range(len(views))))


def usual_pixel(sights: Sequence[Sight]) -> float:
    """How large the pixels of photos are at the middle of the object, in its radii: the median."""
    return float(np.median([sight.view.pixel for sight in sights]))


def sharpened(color: Bytes) -> Bytes:
    """A picture with as much more contrast from pixel to pixel as sampling between pixels will take from it.

    That is done to the photo and to the texture; taken over all places between pixels, each is a triangular filter with
    a variance of 1/6 along either axis, which a twelfth of the second derivative makes up for. Texels are smaller.
    """
    values = np.pad(color.astype(np.float32), ((1, 1), (1, 1), (0, 0)), mode="edge")
    middle = values[1:-1, 1:-1]
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    middle = middle + np.float32(_SHARPENING) * (4 * middle - around)
    return np.asarray(np.clip(np.rint(middle), 0, 255), np.uint8)


def trust(mask: Flags, depth: Floats) -> Bytes:
    """Returns height × width, 0 to 255. ``depth`` is a depth map of half the mask's size."""
    known = np.isfinite(depth) & ~_jumps(depth)
    inside = mask & np.repeat(np.repeat(known, 2, 0), 2, 1)
    count = steps_inside(inside, _FULL)
    share = np.clip((count.astype(np.float32) - _NOTHING) / (_FULL - _NOTHING), 0, 1)
    return np.asarray(np.rint(share * 255), np.uint8)


def steps_inside(flags: Flags, most: int) -> Bytes:
    """How many pixels each is from what is not set, at most so many; 0 there. Outside of the picture nothing is set.

    Steps to four and to eight neighbours take turns, so that what is equally far is an octagon.
    """
    count = np.zeros(flags.shape, np.uint8)
    left = np.pad(flags, 1)
    for step in range(most):
        inner = left[1:-1, 1:-1]
        count += inner
        less = inner & left[:-2, 1:-1] & left[2:, 1:-1] & left[1:-1, :-2] & left[1:-1, 2:]
        if step % 2:
            less &= left[:-2, :-2] & left[:-2, 2:] & left[2:, :-2] & left[2:, 2:]
        left[1:-1, 1:-1] = less
    return count


def faces_seen(surface: Surface, normals: Floats, sight: Sight) -> Floats:
    """Returns m: the cosine between a face's normal and the way to the photo; 0 where the face is not all seen.

    ``normals`` are the faces', m × 3, of length 1.
    """
    _, _, is_seen = sight.pixels(surface.vertices)
    middle = surface.vertices[surface.faces].mean(1)
    cosine, _ = sight.view.towards(middle, normals)
    whole = is_seen[surface.faces].all(1) & sight.pixels(middle)[2] & (cosine > 0)
    return np.where(whole, cosine, 0).astype(np.float32)


def bilinear_colors(color: Bytes, x: Floats, y: Floats) -> Floats:
    """Returns n × 3: the colors between the pixels of a picture, 0 to 255; x and y are at least 1 inside of it."""
    left, upper = np.floor(x - np.float32(0.5)), np.floor(y - np.float32(0.5))
    across, down = (x - np.float32(0.5) - left)[:, None], (y - np.float32(0.5) - upper)[:, None]
    width = color.shape[1]
    flat = color.reshape(-1, 3)
    at: Ints = upper.astype(np.intp) * width + left.astype(np.intp)
    above = flat[at].astype(np.float32)
    above += across * (flat[at + 1].astype(np.float32) - above)
    below = flat[at + width].astype(np.float32)
    below += across * (flat[at + width + 1].astype(np.float32) - below)
    above += down * (below - above)
    return above


def _jumps(depth: Floats) -> Flags:
    """Where a depth map bends sharply: steps, and not slopes, however steep."""
    flat = np.where(np.isfinite(depth), depth, np.float32(1e6))
    result = np.zeros(depth.shape, bool)
    bends = np.abs(flat[2:] - 2 * flat[1:-1] + flat[:-2]) > _JUMP
    result[1:-1] |= bends
    bends = np.abs(flat[:, 2:] - 2 * flat[:, 1:-1] + flat[:, :-2]) > _JUMP
    result[:, 1:-1] |= bends
    return result
