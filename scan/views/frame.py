# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit frame: the reconstruction's world, in which the object lies about the origin with a radius of 1.

Meshing computes in single precision, and its lengths are shares of the object's size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..reconstruction.types import Floats as Doubles
from .view import Floats

_ROUNDS = 4
_FAR = 3.0
"""Rays that pass the middle further away than so many times the median are left out of it: their masks are wrong."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A point p of the reconstruction's world is ``(p - center) / radius`` in the unit frame."""

    center: Doubles
    radius: float

    def pose(self, rotation: Doubles, translation: Doubles) -> tuple[Floats, Floats]:
        """A photo's rotation and translation (see ``reconstruction.types.Photo``) in the unit frame."""
        moved = (rotation @ self.center + translation) / self.radius
        return rotation.astype(np.float32), moved.astype(np.float32)

    def to_world(self, points: Floats) -> Doubles:
        """Points of the unit frame, n × 3, in the reconstruction's world."""
        return points.astype(np.float64) * self.radius + self.center

    def to_unit(self, points: Doubles) -> Floats:
        """Points of the reconstruction's world, n × 3, in the unit frame."""
        return ((points - self.center) / self.radius).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Sight:
    """The object as one photo has it: a cone."""

    position: Doubles
    """3, of the camera in the world."""
    direction: Doubles
    """3, of length 1, to the middle of the object's box."""
    angle: float
    """Half the size of the box at distance 1."""


def frame_of(sights: Sequence[Sight]) -> Frame:
    """The unit frame of the object that all sights are of: the point that their rays pass nearest, and their radius."""
    positions = np.array([sight.position for sight in sights])
    directions = np.array([sight.direction for sight in sights])
    kept = np.ones(len(sights), bool)
    for _ in range(_ROUNDS):
        across = np.eye(3) - directions[kept, :, None] * directions[kept, None, :]
        least = np.linalg.lstsq(across.sum(0), (across @ positions[kept, :, None]).sum(0)[:, 0], rcond=None)[0]
        from_camera = least - positions
        along = (from_camera * directions).sum(1)
        away = np.linalg.norm(from_camera - along[:, None] * directions, axis=1)
        kept = away <= max(_FAR * float(np.median(away)), 1e-12)
    angles = np.array([sight.angle for sight in sights])
    radius = float(np.median((angles * np.linalg.norm(least - positions, axis=1))[kept]))
    return Frame(least, radius)
