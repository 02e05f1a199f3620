# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a reconstruction is put: upright on the floor, its middle at the origin, its front forward, in its true size.

The frame it is put into is Blender's: z is up, the floor is z = 0, and what looks towards -y is seen from the front.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .settings import PlacementSettings
from .types import Floats, Photo
from .upright import Up, front_among

AS_SOLVED = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""The turn of a scan of which nothing is known. Its y points down, as in the picture of the first photo that was
solved; turned like this it is Blender's -z, and what was ahead is ahead."""

_SPIKE_SHARE = 2e-4
"""A spike has at most this share of a mesh's vertices,"""
_SPIKE_LENGTH = 0.03
"""and is longer than this share of the mesh."""
_SLAB = 0.01
"""What is flat below lies within this share of the height, which begins at most so far from the lowest point,"""
_ROUGH = 0.002
"""strays by no more than this, of which something round has half as much again,"""
_LEVEL = 0.9
"""and is level, by the cosine of its slope."""
_STRAY = 0.01
"""Of points, the share at either end that may be of anything."""
_FAR = 3.0
"""Points that are so many times as far from the middle as usual are of something else."""
_ABOVE = 0.05
"""A photo taken from within so much (sine of an angle) of straight above shows no front."""
_ROUNDS = 3
"""The middle of what is around an object depends on how that is turned, and the turn on the middle."""
_LEAST_SIZE = 1e-12


@dataclass(frozen=True, eq=False)
class Shape:
    """What is known of an object's shape, in the reconstruction's world."""

    points: Floats
    """n × 3."""
    faces: npt.NDArray[np.int32] | None = None
    """m × 3, seen anticlockwise from outside, where the points are a mesh's; else some may be of other things."""

    def bounds(self, turn: Floats) -> tuple[Floats, Floats] | None:
        """Where the object ends in x, y and z after a turn (3 × 3): least and largest, 3 each; None without points.

        Of a mesh a spike does not count, and it ends below and above where it is flat there, if it is: noise goes
        beyond that, and what stands on a floor does not. Of points the first and last hundredth do not count.
        """
        if not len(self.points):
            return None
        if self.faces is None:
            away = np.linalg.norm(self.points - np.median(self.points, axis=0), axis=1)
            near = self.points[away <= _FAR * np.median(away)]
            low, high = np.quantile(near @ turn.T, (_STRAY, 1 - _STRAY), axis=0)
            return low, high
        turned = self.points @ turn.T
        low, high = _ends(turned), -_ends(-turned)
        size = high[2] - low[2]
        foot, top = _flat(turned, self.faces, low[2], size), -_flat(-turned, self.faces, -high[2], size)
        return np.array([*low[:2], foot]), np.array([*high[:2], top])


@dataclass(frozen=True, eq=False)
class Placement:
    """From the reconstruction's world to the frame: a point p comes to ``scale * rotation @ p + translation``."""

    rotation: Floats
    """3 × 3."""
    scale: float
    """Units of the frame in one of the world."""
    translation: Floats
    """3, in units of the frame."""

    @property
    def matrix(self) -> Floats:
        """The same as 4 × 4."""
        whole = np.eye(4)
        whole[:3, :3], whole[:3, 3] = self.scale * self.rotation, self.translation
        return whole


def place(
    settings: PlacementSettings, up: Up, photos: Sequence[Photo], shape: Shape, *, unit: float = 1.0, scale: float = 1.0
) -> Placement:
    """Place a scan of these photos, of which ``up`` is known.

    Where nothing says what is up, it is turned as ``AS_SOLVED``, and centred and scaled all the same. Where it shall
    not be upright, it is only scaled.

    ``unit`` is the length of the frame's unit in metres. ``scale`` is what it has without a known height.
    """
    turn = AS_SOLVED
    if settings.upright and up.direction is not None:
        front = front_among([photo.name for photo in photos], settings.front)
        named = (photo for photo in photos if photo.name == front)
        turn = _turn(up.direction, next(named, up.photos[0]), shape)
    bounds = shape.bounds(turn)
    if bounds is None:
        return Placement(turn, scale, np.zeros(3))
    low, high = bounds
    if settings.height > 0 and high[2] - low[2] > _LEAST_SIZE:
        scale = float(settings.height / unit / (high[2] - low[2]))
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    return Placement(turn, scale, -scale * foot if settings.upright else np.zeros(3))


def change_of_frame(before: Iterable[Photo], now: Iterable[Photo]) -> Floats | None:
    """The matrix (4 × 4) from the world of one solve to that of an earlier one, by the photos that both have placed.

    None where these do not tell: less than two of them, or they disagree by more than a hundredth of how far they are
    from each other.
    """
    earlier = {photo.name: photo for photo in before}
    pairs = [(earlier[photo.name], photo) for photo in now if photo.name in earlier]
    if len(pairs) < 2:
        return None
    # The mean of rotations, as the one that is nearest to all of them (Markley, "Averaging quaternions", 2007, for
    # matrices by their singular values).
    left, _, right = np.linalg.svd(sum(old.rotation.T @ new.rotation for old, new in pairs))
    turn = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    old, new = (np.array([pair[which].position for pair in pairs]) for which in (0, 1))
    old_middle, new_middle = old.mean(axis=0), new.mean(axis=0)
    turned = (new - new_middle) @ turn.T
    spread = (turned**2).sum()
    if spread < _LEAST_SIZE**2:
        return None
    scale = float((turned * (old - old_middle)).sum() / spread)
    missed = np.linalg.norm(scale * turned - (old - old_middle), axis=1).max()
    if scale <= 0 or missed > 0.01 * np.linalg.norm(old - old_middle, axis=1).max():
        return None
    return Placement(turn, scale, old_middle - scale * turn @ new_middle).matrix


def _turn(up: Floats, front: Photo, shape: Shape) -> Floats:
    """The turn (3 × 3) that has ``up`` point up, and the camera of a photo before the object's middle."""
    turn = _facing(-front.rotation[2], up, front)
    for _ in range(_ROUNDS):
        bounds = shape.bounds(turn)
        if bounds is not None:
            turn = _facing(front.position - (bounds[0] + bounds[1]) / 2 @ turn, up, front)
    return turn


def _facing(toward: Floats, up: Floats, front: Photo) -> Floats:
    level = toward - (toward @ up) * up
    if np.linalg.norm(level) < _ABOVE * np.linalg.norm(toward):
        # From above or below no side is nearer: then what is at the picture's lower edge is the front.
        level = front.rotation[1] - (front.rotation[1] @ up) * up
    y = -level / np.linalg.norm(level)
    return np.array([np.cross(y, up), y, up])


def _ends(values: Floats) -> Floats:
    """The least values of each column, but for spikes."""
    few = int(_SPIKE_SHARE * len(values))
    sorted_ = np.partition(values, (0, few), axis=0)
    least, without = sorted_[0], sorted_[few]
    return np.where(without - least > _SPIKE_LENGTH * (values.max(axis=0) - without), without, least)


def _flat(points: Floats, faces: npt.NDArray[np.int32], low: float, size: float) -> float:
    """The height of the flat part at the lower end ``low`` of a mesh so high; the end itself where that is not flat."""
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    across = np.cross(b - a, c - a)
    areas = np.linalg.norm(across, axis=1)
    is_level = np.abs(across[:, 2]) > _LEVEL * areas
    # Corners: the middles of faces around a tip may be all at one height.
    heights, areas = points[faces[is_level], 2].ravel(), np.repeat(areas[is_level], 3)
    slab = _SLAB * size
    there = (heights >= low) & (heights <= low + 2 * slab)
    order = np.argsort(heights[there])
    heights, areas = heights[there][order], areas[there][order]
    if not areas.sum() > 0:
        return low
    # The slab that has the most area.
    reached = np.concatenate([[0.0], np.cumsum(areas)])
    ends = np.searchsorted(heights, heights + slab, side="right")
    first = int(np.argmax(reached[ends] - reached[:-1]))
    inside = slice(first, int(ends[first]))
    heights, areas = heights[inside], areas[inside]
    mean = np.average(heights, weights=areas)
    if np.average((heights - mean) ** 2, weights=areas) > (_ROUGH * size) ** 2:
        return low
    return float(heights[np.searchsorted(np.cumsum(areas), areas.sum() / 2)])
