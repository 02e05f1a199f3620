# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the depth maps of neighbours agree.

In: depth maps. Out: a weight for each pixel, which grows with the score and with the number of neighbours whose own
depth lies at the same place of the world.
"""

from collections.abc import Sequence

import numpy as np

from .sweep import DepthMap
from .views import Floats, View

_LEAST_SCORE = np.float32(0.3)
_TRUST = np.array([0.03, 0.35, 1.0], np.float32)
"""By the number of neighbours that agree: none, one, two or more."""


def weights_of(
    number: int, views: Sequence[View], maps: Sequence[DepthMap], near: Sequence[int], tolerance: float
) -> Floats:
    """Returns height × width: how much each depth of a view counts, 0 to 1.

    ``near`` are the numbers of its neighbours, ``tolerance`` is in units of the world.
    """
    own, view = maps[number], views[number]
    rows, columns = np.nonzero((own.depth > 0) & (own.score > _LEAST_SCORE))
    depth = own.depth[rows, columns]
    points = view.to_world(depth, rows, columns)
    agree = np.zeros(len(points), np.int64)
    for other in near:
        theirs = views[other]
        x, y, depth_there = theirs.project(points)
        inside, at = theirs.pixel_of(x, y)
        found = maps[other].depth.ravel()[at]
        sure = maps[other].score.ravel()[at] > _LEAST_SCORE
        agree += inside & sure & (np.abs(found - depth_there) < tolerance)
    score = own.score[rows, columns]
    weights = np.zeros_like(own.depth)
    weights[rows, columns] = score * score * _TRUST[np.minimum(agree, 2)]
    return weights
