# SPDX-License-Identifier: GPL-3.0-or-later
"""The depth of every pixel from the scores of all its depths, with neighbours that agree.

Along four directions a step to the next depth costs little, a jump more, so that what has texture decides for what has
none (Hirschmüller, Stereo Processing by Semiglobal Matching and Mutual Information, 2008).
"""

import numpy as np

from .views import Flags, Floats, Ints

_STEP = np.float32(0.06)
_JUMP = np.float32(0.35)


def winners(scores: Floats, counts: Flags) -> Ints:
    """Returns height × width: the index of the depth that wins.

    ``scores`` are n × height × width; ``counts`` says which pixels do.
    """
    costs = np.ascontiguousarray(np.moveaxis(1 - scores, 0, -1))
    costs *= counts[..., None]
    total = np.zeros_like(costs)
    alive = counts.astype(np.float32)[..., None]
    for axis in (0, 1):
        for backward in (False, True):
            _sweep(costs, alive, total, axis, backward=backward)
    return np.asarray(total.argmin(-1), np.int64)


def _sweep(costs: Floats, alive: Floats, total: Floats, axis: int, *, backward: bool) -> None:
    """Add the costs of the best way to each pixel from one side of the picture."""
    costs, alive, total = (np.moveaxis(each, axis, 0) for each in (costs, alive, total))
    lines = range(len(costs))
    before = np.zeros(costs.shape[1:], np.float32)
    for line in reversed(lines) if backward else lines:
        best = before.min(-1, keepdims=True)
        way = np.minimum(before, best + _JUMP)
        np.minimum(way[:, 1:], before[:, :-1] + _STEP, out=way[:, 1:])
        np.minimum(way[:, :-1], before[:, 1:] + _STEP, out=way[:, :-1])
        way -= best
        way += costs[line]
        way *= alive[line]
        total[line] += way
        before = way
