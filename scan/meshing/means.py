# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums over squares of a picture, of any size at one price (Crow, Summed-Area Tables for Texture Mapping, 1984)."""

import numpy as np

from ..reconstruction.types import Floats as Doubles
from ..views.view import Flags, Floats


def sums_around(values: Floats | Doubles, half: int) -> Doubles:
    """Returns height × width: the sum over the square that reaches ``half`` pixels to every side of each pixel.

    Beyond the picture there is nothing.
    """
    sums: Doubles = np.asarray(values, np.float64)
    for axis in (0, 1):
        ahead, behind = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        ahead[axis], behind[axis] = (0, half), (half + 1, 0)
        total = np.cumsum(sums, axis)
        length = sums.shape[axis]
        upper = np.take(np.pad(total, ahead, mode="edge"), np.arange(half, half + length), axis)
        sums = upper - np.take(np.pad(total, behind), np.arange(length), axis)
    return sums


def share_around(flags: Flags, among: Flags, half: int) -> Floats:
    """Returns height × width: in the square around each pixel, the share of the pixels in ``among`` that have the flag.

    It is 0 where none is among them. Both are height × width.
    """
    both = sums_around((flags & among).astype(np.float32), half)
    return np.asarray(both / np.maximum(sums_around(among.astype(np.float32), half), 1), np.float32)
