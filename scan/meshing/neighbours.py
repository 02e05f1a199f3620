# SPDX-License-Identifier: GPL-3.0-or-later
"""Which views are compared with which: far enough apart to tell depth, near enough to show the same."""

from collections.abc import Sequence

import numpy as np

from ..reconstruction.types import Floats as Doubles
from ..views.view import View

_LEAST, _BEST, MOST = 4.0, 18.0, 50.0
"""Degrees between two views, seen from the object: the fewest at which they are compared, the best, and the most."""
_OTHER_SIDE = 0.5
"""Views of another side of the scan have other light on the object."""


def directions(views: Sequence[View]) -> Doubles:
    """Returns n × 3, of length 1: from the object to each view."""
    positions = np.array([view.position for view in views], np.float64)
    return np.asarray(positions / np.linalg.norm(positions, axis=1, keepdims=True))


def angles_between(some: Doubles, others: Doubles) -> Doubles:
    """Returns n × m, in degrees: the angles between directions, n × 3 and m × 3."""
    return np.asarray(np.degrees(np.arccos(np.clip(some @ others.T, -1, 1))))


def neighbours(views: Sequence[View], most: int) -> list[list[int]]:
    """For each view the numbers of at most so many others, the best first."""
    towards = directions(views)
    angles = angles_between(towards, towards)
    sides = np.array([view.name.rpartition("/")[0] for view in views])
    worth = np.exp(-(((angles - _BEST) / _BEST) ** 2)) * np.where(sides[:, None] == sides[None], 1.0, _OTHER_SIDE)
    worth[(angles < _LEAST) | (angles > MOST)] = 0
    np.fill_diagonal(worth, 0)
    chosen = []
    for row in worth:
        order = np.argsort(-row, kind="stable")[:most]
        chosen.append([int(number) for number in order if row[number] > 0])
    return chosen
