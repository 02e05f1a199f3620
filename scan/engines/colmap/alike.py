# SPDX-License-Identifier: GPL-3.0-or-later
"""A cheap look at all pairs of photos: how many of their largest features seem to be the same."""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from .database import Features
from .nearest import unit

_LARGEST = 256
"""Features of each photo that are looked at."""
_RATIO = 0.85
"""A match is this much nearer than the second nearest (Lowe, 2004, section 7.1)."""
_BATCH = 32
"""Photos that one is compared with at once: 256 × 32 × 256 similarities are 8 MB."""


def largest(features: Features) -> npt.NDArray[np.float32]:
    """The descriptors of a photo's largest features, each of length 1: 256 × 128, zeros where it has fewer."""
    chosen = np.zeros((_LARGEST, features.descriptors.shape[1]), np.float32)
    order = np.argsort(-features.scales, kind="stable")[:_LARGEST]
    chosen[: len(order)] = unit(features.descriptors[order])
    return chosen


def common_features(
    photos: Iterable[npt.NDArray[np.float32]], on_photo: Callable[[int], None]
) -> npt.NDArray[np.int32]:
    """How many features each two of n photos have in common: n × n, symmetric, 0 on the diagonal.

    A match is the nearest both ways and much nearer than the second. ``on_photo`` is called with the number of photos
    that are done, and may raise.
    """
    every = np.stack(list(photos))
    number = len(every)
    counts = np.zeros((number, number), np.int32)
    for one in range(number):
        for start in range(one + 1, number, _BATCH):
            others = every[start : start + _BATCH]
            counts[one, start : start + len(others)] = _matches(every[one], others)
        on_photo(one + 1)
    return counts + counts.T


def _matches(one: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Matches of one photo (k × 128) with each of m others (m × k × 128)."""
    similar = others @ one.T  # m × k of the other × k of this
    photo, there = np.ogrid[: similar.shape[0], : similar.shape[1]]
    back = similar.argmax(axis=1)  # for each feature here, the nearest there
    nearest = similar.argmax(axis=2)
    best = similar[photo, there, nearest]
    similar[photo, there, nearest] = -1
    second = similar.max(axis=2)
    is_mutual = back[photo, nearest] == there
    # |a - b|² = 2 - 2 a·b of vectors of length 1.
    is_near = (1 - best) < _RATIO**2 * (1 - second)
    return np.asarray((is_mutual & is_near & (best > 0)).sum(axis=1))
