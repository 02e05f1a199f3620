# SPDX-License-Identifier: GPL-3.0-or-later
"""From a mesh, a reconstruction and photos on disk to views for texturing: each is cut to what it shows of the mesh."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..common.errors import NoModelError
from ..common.text import count
from ..reconstruction.types import Floats as Doubles
from ..views.arrays import Arrays
from ..views.frame import Frame
from ..views.prepare import read_each
from ..views.shots import NEAREST_DEPTH, Box, Part, Source, keep_colors, part_of, seen_at, view_of
from ..views.threads import Workers
from ..views.view import View

_LEAST_PIXELS = 16
"""A photo that shows the mesh smaller than this does not count."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """The photos that show the mesh."""

    views: tuple[View, ...]
    """In the order of the photos."""
    left_out: dict[str, str]
    """Photo → why it is not among them."""


def frame_around(vertices: Doubles) -> Frame:
    """The frame in which a mesh, n × 3 in the world, lies about the origin, and its box has half a diagonal of 1."""
    low, high = vertices.min(0), vertices.max(0)
    return Frame((low + high) / 2, float(np.linalg.norm(high - low) / 2))


def pixels_a_radius(sources: Sequence[Source], frame: Frame) -> float:
    """How many pixels of a photo a radius of the mesh takes, in the median."""
    distances = [float(np.linalg.norm(source.photo.position - frame.center)) for source in sources]
    wide = [source.pinhole.focal / distance for source, distance in zip(sources, distances, strict=True)]
    return float(np.median(wide)) * frame.radius


def read_pictures(
    sources: Sequence[Source], vertices: Doubles, frame: Frame, scale: float, arrays: Arrays, workers: Workers
) -> Pictures:
    """Read the photos at ``scale`` of their size, at most 1, and keep their colors and masks in ``arrays``.

    There is one source at least; ``vertices`` are those of the mesh's faces, n × 3 in the world, and ``frame`` is the
    one around them. Raises Cancelled,
    OutputError, and NoModelError where no photo is left.
    """
    left_out: dict[str, str] = {}
    found: list[tuple[Source, Part]] = []
    for source in sources:
        box = _box_of(source, vertices)
        if box is None:
            left_out[source.photo.name] = "does not show the model"
        else:
            found.append((source, part_of(source, box, scale)))
    kept, bad = read_each(lambda number: keep_colors(*found[number], number, arrays), len(found), arrays, workers)
    left_out |= {found[number][0].photo.name: reason for number, reason in bad.items()}
    if not kept:
        raise NoModelError(_none_left(left_out))
    return Pictures(tuple(view_of(*found[number], frame) for number in kept), left_out)


def _none_left(left_out: dict[str, str]) -> str:
    name, reason = next(iter(left_out.items()))
    more = f", as {count(len(left_out) - 1, 'other photo')}" if len(left_out) > 1 else ""
    return f"There is no photo to make a texture of: {name} {reason}{more}"


def _box_of(source: Source, vertices: Doubles) -> Box | None:
    """The part of a photo in which the mesh is; None where there is hardly any."""
    pinhole = source.pinhole
    x, y, depth = seen_at(source, vertices)
    ahead = depth > NEAREST_DEPTH
    if not ahead.any():
        return None
    x, y = x[ahead], y[ahead]
    box = Box(
        max(0, math.floor(x.min())),
        max(0, math.floor(y.min())),
        min(pinhole.width, math.ceil(x.max())),
        min(pinhole.height, math.ceil(y.max())),
    )
    large_enough = min(box.right - box.left, box.lower - box.upper) >= _LEAST_PIXELS
    return box if large_enough else None
