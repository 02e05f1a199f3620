# SPDX-License-Identifier: GPL-3.0-or-later
"""How deep a hole of a scan's shape is in a mesh, and how deep photos can show it; for ``mesh_measure.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from mathutils.bvhtree import BVHTree

_STEP, _MOST = 0.02, 4.0
"""In radii: how finely, and how far, one looks along a hole's middle."""


class Hole(NamedTuple):
    """In the unit frame of the scan: the middle of the opening, the direction inwards (of length 1), and the radius."""

    opening: np.ndarray
    inwards: np.ndarray
    radius: float


def look_into(hole: Hole, tree: BVHTree) -> dict[str, Any]:
    """How far a ray along a hole's middle comes past its opening, in radii, and whether there is a wall around it.

    The wall: the share of 16 rays outwards, from one radius deep, that meet the result within two radii. Without one,
    there is no hole, but nothing.
    """
    across = np.linalg.svd(hole.inwards[None])[2][1:]
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)[:, None]
    rays = (np.cos(turns) * across[0] + np.sin(turns) * across[1]).tolist()
    deep = (hole.opening + hole.radius * hole.inwards).tolist()
    wall = float(np.mean([tree.ray_cast(deep, ray, 2 * hole.radius)[2] is not None for ray in rays]))
    found = depth(hole, tree)
    return {"depth": found, "wall": round(100 * wall, 4), "is_open": found is not None and found >= 1 and wall > 0.5}


def depth(hole: Hole, tree: BVHTree) -> float | None:
    """How far the ray comes, in radii; None where it meets nothing at all."""
    start = hole.opening - 20 * hole.radius * hole.inwards
    distance = tree.ray_cast(start.tolist(), hole.inwards.tolist())[3]
    return None if distance is None else round(float(distance / hole.radius) - 20, 3)


def shown_depth(hole: Hole, tree: BVHTree, centres: list[np.ndarray], slack: float) -> float:
    """To which depth of its middle, in radii, the photos show the true hole to be empty.

    There a photo looks past the middle at a spot on the wall which a second photo shows, too: comparing photos can tell
    the depth of no other spot. ``tree`` is of the truth, ``centres`` those of the cameras, in the unit frame, as
    ``slack``, by which something may stand before what is seen.
    """
    reached = 0.0
    for place in np.arange(0, _MOST, _STEP):
        point = hole.opening + place * hole.radius * hole.inwards
        if not any(_is_passed(point, centre, tree, centres, slack) for centre in centres):
            return reached
        reached = round(float(place), 3)
    return reached


def _is_passed(point: np.ndarray, centre: np.ndarray, tree: BVHTree, centres: list[np.ndarray], slack: float) -> bool:
    """Whether one camera looks past a point at a spot that another one sees."""
    towards = point - centre
    away = float(np.linalg.norm(towards))
    spot, _, _, distance = tree.ray_cast(centre.tolist(), (towards / away).tolist())
    if spot is None or distance < away:
        return False
    others = (each for each in centres if each is not centre)
    return any(_sees(other, np.array(spot), tree, slack) for other in others)


def _sees(centre: np.ndarray, spot: np.ndarray, tree: BVHTree, slack: float) -> bool:
    towards = spot - centre
    away = float(np.linalg.norm(towards))
    return tree.ray_cast(centre.tolist(), (towards / away).tolist(), away - slack)[2] is None
