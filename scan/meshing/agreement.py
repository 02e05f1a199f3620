# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the depth maps of neighbours agree.

In: depth maps. Out: a weight for each pixel, which grows with the score and with the number of neighbours whose own
depth lies at the same place of the world; and, where that is wanted, with the share of the pixels around that are sure.
"""

from collections.abc import Sequence

import numpy as np

from ..views.view import Floats, View
from .means import share_around
from .sweep import DepthMap

_LEAST_SCORE = np.float32(0.3)
_TRUST = np.array([0.03, 0.35, 1.0], np.float32)
"""By the number of neighbours that agree: none, one, two or more."""
_SURE = np.float32(0.08)
"""A weight from which on a pixel supports those around it."""
_AROUND = 0.3
"""Half the side of the square around a pixel that is looked at, in roots of the object's pixels in the view."""
_FEW, _MANY = np.float32(0.6), np.float32(0.8)
"""Below the first share of sure pixels nothing counts, from the second on all does.

On painted objects nearly all are sure; on the plain and the glossy one of the tests hardly a square has so many.
"""


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


def supported(weights: Floats, depth: Floats) -> Floats:
    """The weights of a depth map without those in places where few pixels are sure; all are height × width.

    Where there is texture, nearly all pixels of a surface are sure. Where there is none, or where highlights wander
    over it, chance alone makes islands of pixels that agree.
    """
    object_here = depth > 0
    half = max(1, round(_AROUND * float(object_here.sum()) ** 0.5))
    share = share_around(weights > _SURE, object_here, half)
    return weights * np.clip((share - _FEW) / (_MANY - _FEW), 0, 1)
