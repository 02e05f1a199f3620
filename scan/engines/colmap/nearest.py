# SPDX-License-Identifier: GPL-3.0-or-later
"""Matches of two photos' features, for COLMAPs that take several times as long for them on a processor.

COLMAP before 3.12 looks for near descriptors in random trees, which it builds anew for each pair. Comparing each with
each is one product of matrices, and finds the same matches each time.
"""

import numpy as np
import numpy.typing as npt

_RATIO, _MOST = 0.8, 0.7
"""Of the angle to the second nearest, and in radians: ``SiftMatchingOptions`` of colmap/feature/sift.h, 3.8."""
_AT_ONCE = 1 << 24
"""Similarities in memory: 64 MB."""

Floats = npt.NDArray[np.float32]


def matches(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Which features of two photos are the same, by their descriptors (n × 128 and m × 128).

    Gives k × 2 places in them. As COLMAP does: each is the other's nearest, and much nearer than the second nearest.
    """
    if not len(one) or not len(other):
        return np.zeros((0, 2), np.uint32)
    ours, theirs = unit(one), unit(other)
    nearest, is_sure = _nearest(ours, theirs)
    found = np.flatnonzero(is_sure)
    back, is_sure_back = _nearest(theirs[nearest[found]], ours)
    found = found[is_sure_back & (back == found)]
    return np.asarray(np.stack([found, nearest[found]], axis=1), np.uint32)


def _nearest(ours: Floats, theirs: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """For each of ours the place of the nearest of theirs, and whether it is near, and much nearer than the second."""
    nearest = np.empty(len(ours), np.int64)
    is_sure = np.empty(len(ours), np.bool_)
    step = max(1, _AT_ONCE // len(theirs))
    for start in range(0, len(ours), step):
        part = slice(start, start + step)
        similar = ours[part] @ theirs.T
        place = np.arange(len(similar)), similar.argmax(axis=1)
        angle = _angle(similar[place])
        similar[place] = -1
        nearest[part] = place[1]
        is_sure[part] = (angle <= _MOST) & (angle < _RATIO * _angle(similar.max(axis=1)))
    return nearest, is_sure


def unit(descriptors: npt.NDArray[np.uint8]) -> Floats:
    """Descriptors (n × 128), each of length 1, so that the product of two is the cosine between them; zeros stay."""
    values = descriptors.astype(np.float32)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6), np.float32)


def _angle(cosine: Floats) -> Floats:
    return np.asarray(np.arccos(np.clip(cosine, -1, 1)), np.float32)
