# SPDX-License-Identifier: GPL-3.0-or-later
"""Which views are compared with which: far enough apart to tell depth, near enough to show the same."""

from collections.abc import Sequence

import numpy as np

from .views import View

_LEAST, _BEST, _MOST = 4.0, 18.0, 50.0
"""Degrees between two views, seen from the object."""
_OTHER_SIDE = 0.5
"""Views of another side of the scan have other light on the object."""


def neighbours(views: Sequence[View], most: int) -> list[list[int]]:
    """For each view the numbers of at most so many others, the best first."""
    positions = np.array([view.position for view in views], np.float64)
    directions = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))
    sides = np.array([view.name.rpartition("/")[0] for view in views])
    worth = np.exp(-(((angles - _BEST) / _BEST) ** 2)) * np.where(sides[:, None] == sides[None], 1.0, _OTHER_SIDE)
    worth[(angles < _LEAST) | (angles > _MOST)] = 0
    np.fill_diagonal(worth, 0)
    chosen = []
    for row in worth:
        order = np.argsort(-row, kind="stable")[:most]
        chosen.append([int(number) for number in order if row[number] > 0])
    return chosen
