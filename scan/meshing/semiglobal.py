# SPDX-License-Identifier: GPL-3.0-or-later
"""The depth of every pixel from the scores of all its depths, with neighbours that agree.

Along four directions a step to the next depth costs little, a jump more, so that what has texture decides for what has
none (Hirschmüller, Stereo Processing by Semiglobal Matching and Mutual Information, 2008).
"""

import numpy as np

from ..views.view import Flags, Floats, Ints

_STEP = np.float32(0.06)
_JUMP = np.float32(0.35)


def winners(scores: Floats, counts: Flags) -> Ints:
    """Returns height × width: the index of the depth that wins.

    ``scores`` are n × height × width; ``counts`` says which pixels do.
    """
    total = _down_and_up(scores, counts)
    total += np.swapaxes(_down_and_up(np.swapaxes(scores, 1, 2), counts.T), 0, 2)
    return np.asarray(total.argmin(1), np.int64)


def _down_and_up(scores: Floats, counts: Flags) -> Floats:
    """Returns height × n × width: the costs of the best ways to each pixel from the picture's upper and lower side."""
    costs = np.subtract(1, np.moveaxis(scores, 1, 0), order="C")
    alive = counts.astype(np.float32)[:, None]
    costs *= alive
    total = np.zeros_like(costs)
    lines = range(len(costs))
    for order in (lines, reversed(lines)):
        before = np.zeros(costs.shape[1:], np.float32)
        for line in order:
            best = before.min(0)
            way = np.minimum(before, best + _JUMP)
            np.minimum(way[1:], before[:-1] + _STEP, out=way[1:])
            np.minimum(way[:-1], before[1:] + _STEP, out=way[:-1])
            way -= best
            way += costs[line]
            way *= alive[line]
            total[line] += way
            before = way
    return total
