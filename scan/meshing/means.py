# SPDX-License-Identifier: GPL-3.0-or-later
"""Means over squares of a picture, of any size at one price (Crow, Summed-Area Tables for Texture Mapping, 1984)."""

import numpy as np

from .views import Floats


def mean_around(values: Floats, weights: Floats, half: int) -> Floats:
    """Returns height × width: the weighted mean of the square around each pixel; 0 where nothing in it counts.

    The square reaches ``half`` pixels to every side, as far as the picture does.
    """
    total, count = _sums_around(values * weights, half), _sums_around(weights, half)
    return np.where(count > 0, total / np.maximum(count, np.float32(1e-3)), 0).astype(np.float32)


def _sums_around(values: Floats, half: int) -> Floats:
    """The sums over squares, as far as they lie within; by sums along rows and columns."""
    for axis in (0, 1):
        size = values.shape[axis]
        sums = np.cumsum(values, axis, dtype=np.float64)
        before = np.concatenate([np.zeros_like(np.take(sums, [0], axis)), sums], axis)
        ends, starts = np.minimum(np.arange(size) + half + 1, size), np.maximum(np.arange(size) - half, 0)
        values = np.take(before, ends, axis) - np.take(before, starts, axis)
    return values
