# SPDX-License-Identifier: GPL-3.0-or-later
"""Depths for pixels that no other photo confirms: what lies behind goes on where something in front hides it.

Deep in a hollow a place is in one photo alone, since the hollow's mouth hides it from the others. There the farthest
of the planes around goes on (Hirschmüller, Stereo Processing by Semiglobal Matching and Mutual Information, 2008, 2.5:
what is occluded is filled from the background). It counts little, and next to nothing where no second photo comes to
the same.
"""

import numpy as np

from ..views.view import Floats
from .planes import PlaneField
from .spread import SURE
from .sweep import DepthMap

_UNSURE = np.float32(0.3)
"""A weight (see ``agreement``) below which a depth gives way."""
_SCORE = np.float32(0.6)
_DEEPER = 0.3
"""What lies behind is at most so much deeper, in units of the world."""
_SIDES = 2
"""A pixel is filled that has sure ones on at least so many of its four sides."""
_HALF = 7
"""Pixels from a window's middle to its edge: planes that reach far need a broad base."""


def filled(found: DepthMap, weights: Floats) -> DepthMap:
    """The depth map with deeper ones, at which nobody has looked, where it was not sure."""
    sure = weights > SURE
    rows, columns = np.nonzero((found.depth > 0) & (weights < _UNSURE))
    if len(rows) == 0 or not sure.any():
        return found
    inverse = np.full(len(rows), np.inf, np.float32)
    sides = np.zeros(len(rows), np.int64)
    for reached in PlaneField(found.depth, sure, _HALF).reached(sure, rows, columns):
        value = np.where(reached.planes.value > 0, reached.planes.value, np.inf)
        inverse[reached.which] = np.minimum(inverse[reached.which], value)
        sides[reached.which] += np.isfinite(value)
    deeper = 1 / inverse
    before = found.depth[rows, columns]
    taken = (sides >= _SIDES) & (deeper > before) & (deeper < before + _DEEPER)
    depth, score = found.depth.copy(), found.score.copy()
    depth[rows[taken], columns[taken]] = deeper[taken]
    score[rows[taken], columns[taken]] = _SCORE
    return DepthMap(depth, score)
