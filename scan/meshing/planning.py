# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build takes of memory and disk, looked at before the work begins."""

from ..common.errors import NoModelError
from .efforts import Effort

_LEAST_EDGE = 160.0
"""With the object smaller than this in the views, in pixels, there is nothing to compare."""
_BASE = 180 << 20
"""Bytes that Python, numpy and the mesh take."""
_FILL = 0.34
"""How much of the finer grid's cube the object's box fills."""
_SAMPLE = 14
"""Bytes for each sample of the finer grid."""
_AREA = 1.6
"""A view's pixels, of the square of ``edge``: its box has a margin."""
_GREY = 5.0
"""Bytes for each pixel of a view: its grey values at full and at half size."""
_MAP, _WEIGHT = 8.0, 4.0
"""Bytes for each pixel of a depth map with its scores, and of its weights."""
_A_PLANE = 120.0
"""Bytes for each pixel of a depth map through which a thread lays planes."""
_A_DEPTH = 20.0
"""Bytes for each pixel and each depth that a thread compares."""
_ON_DISK = 2.0
"""Bytes on disk for each pixel of a view."""
_A_VERTEX = 240
"""Bytes on disk for each vertex of the finer surface, of which there are about two for each square of its grid."""
_HALVINGS = 40
"""So many times the span is halved in which the largest edge lies that fits."""


def needed_memory(effort: Effort, photos: int, threads: int, edge: float) -> float:
    """Bytes that a build takes at most, with the object so large in the views.

    Most is taken at the last sweep: by the photos, by the depth maps so far, and by what is at work, which is sweeping,
    or spreading what is sure (each map is there twice), or fusing.
    """
    pixels = _AREA * edge * edge
    swept = pixels * 0.25**effort.halvings
    kept = photos * (pixels * _GREY + swept * _MAP)
    sweeping = threads * max(effort.depths * pixels / 4, effort.narrow[-1] * swept) * _A_DEPTH
    spreading = photos * swept * _MAP + threads * swept * _A_PLANE if effort.spreads else 0.0
    fusing = photos * swept * _WEIGHT + _FILL * effort.fine**3 * _SAMPLE
    return _BASE + kept + max(sweeping, spreading, fusing)


def edge_for(effort: Effort, photos: int, threads: int, memory: float) -> float:
    """How large the object may be in the views, in pixels, so that a build takes no more than so many bytes.

    Raises NoModelError where that is too little.
    """
    if needed_memory(effort, photos, threads, effort.edge) <= memory:
        return effort.edge
    needed = needed_memory(effort, photos, threads, _LEAST_EDGE)
    if needed > memory:
        raise NoModelError(
            f"A model of {photos} photos takes at least {needed / 1e9:.1f} GB of memory, and {memory / 1e9:.1f} GB may "
            "be used; choose the quality Draft, or raise Memory in the preferences"
        )
    low, high = _LEAST_EDGE, effort.edge
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if needed_memory(effort, photos, threads, middle) <= memory:
            low = middle
        else:
            high = middle
    return low


def needed_on_disk(effort: Effort, photos: int, edge: float) -> int:
    """Bytes that a build writes."""
    return int(photos * _AREA * edge * edge * _ON_DISK + 2 * effort.fine**2 * _A_VERTEX)
