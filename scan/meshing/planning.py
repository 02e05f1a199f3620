# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build takes of memory and disk, looked at before the work begins."""

import math

from ..common.errors import NoModelError
from .efforts import Effort

_LEAST_EDGE = 160.0
"""With the object smaller than this in the views, in pixels, there is nothing to compare."""
_BASE = 250 << 20
"""Bytes that Python, numpy and the mesh take."""
_SAMPLE = 14
"""Bytes for each sample of the finer grid, a third of which the object's box fills."""
_FILL = 0.34
_AREA = 1.6
"""A view's pixels, of the square of ``edge``: its box has a margin."""
_A_PHOTO = 3.5
"""Bytes for each pixel of a view: its grey values at both sizes and two depth maps at half the size."""
_A_DEPTH = 5.0
"""Bytes for each pixel at half the size and each depth that a thread compares."""
_ON_DISK = 2.0
"""Bytes on disk for each pixel of a view."""
_A_VERTEX = 240
"""Bytes on disk for each vertex of the finer surface, of which there are about two for each square of its grid."""


def needed_memory(effort: Effort, photos: int, threads: int, edge: float) -> float:
    """Bytes that a build takes at most, with the object so large in the views."""
    grid = _FILL * effort.fine**3 * _SAMPLE
    pixels = _AREA * edge * edge
    sweeping = threads * effort.depths * pixels / 4 * _A_DEPTH
    return _BASE + max(grid, sweeping) + photos * pixels * _A_PHOTO


def edge_for(effort: Effort, photos: int, threads: int, memory: float) -> float:
    """How large the object may be in the views, in pixels, so that a build takes no more than so many bytes.

    Raises NoModelError where that is too little.
    """
    if needed_memory(effort, photos, threads, effort.edge) <= memory:
        return effort.edge
    fixed = needed_memory(effort, photos, threads, 0.0)
    if fixed < memory:
        share = (memory - fixed) / (needed_memory(effort, photos, threads, effort.edge) - fixed)
        edge = effort.edge * math.sqrt(min(1.0, share))
        if edge >= _LEAST_EDGE:
            return edge
    needed = needed_memory(effort, photos, threads, _LEAST_EDGE)
    raise NoModelError(
        f"A model of {photos} photos takes at least {needed / 1e9:.1f} GB of memory, and {memory / 1e9:.1f} GB may be "
        "used; choose the quality Draft, or raise Memory in the preferences"
    )


def needed_on_disk(effort: Effort, photos: int, edge: float) -> int:
    """Bytes that a build writes."""
    return int(photos * _AREA * edge * edge * _ON_DISK + 2 * effort.fine**2 * _A_VERTEX)
