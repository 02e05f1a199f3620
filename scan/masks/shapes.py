# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether pictures have the same shape, so that one can be the other, made larger or smaller."""

_ROUNDED = 1
"""Pixels of the smaller picture by which a side may be off."""
_MOST_OFF = 0.02
"""Shapes that differ by a larger share are others, however few pixels that is."""


def has_same_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Returns whether a picture is another one scaled, its sides rounded to pixels; both are width and height."""
    off = abs(size[0] * other[1] - size[1] * other[0])
    # Divided by a side of the larger one these are pixels of the smaller one, along its other side.
    return off <= _ROUNDED * max(*size, *other) and off <= _MOST_OFF * size[0] * other[1]
