# SPDX-License-Identifier: GPL-3.0-or-later
"""Grids whose surface is a manifold.

Where two samples inside touch only along an edge or at a corner, the surface between inside and outside is no manifold.
A grid without such places is well-composed (Latecki, Eckhardt and Rosenfeld, Well-Composed Sets, 1995); it is made so
by growing the inside, sample by sample, as in Siqueira et al., Making 3D Binary Digital Images Well-Composed, 2005.
"""

import itertools

import numpy as np

from ..views.view import Flags, Floats, Ints
from .grid import with_next

_ROUNDS = 60
_CORNERS = tuple(itertools.product((0, 1), repeat=3))


def compose(field: Floats, inside: float) -> int:
    """Make ``field`` (positive inside) well-composed: samples that are taken in get the value ``inside``.

    Returns how many were taken in.
    """
    solid = field > 0
    taken = 0
    for _ in range(_ROUNDS):
        added = _critical_edges(solid, field) + _critical_corners(solid)
        if not added:
            break
        places = np.unique(np.concatenate(added), axis=0)
        field[tuple(places.T)] = inside
        solid[tuple(places.T)] = True
        taken += len(places)
    return taken


def close(field: Floats, inside: float) -> int:
    """Take in the samples of ``field`` (positive inside) in gaps of one or two, which get the value ``inside``.

    Noise makes tunnels so narrow; photos hardly show one. It is the closing of Serra (Image Analysis and Mathematical
    Morphology, 1982) by a sample and its six neighbours. Returns how many were taken in.
    """
    solid = field > 0
    taken = ~grown(~grown(solid)) & ~solid
    field[taken] = inside
    return int(taken.sum())


def grown(solid: Flags) -> Flags:
    """The same flags and those of their six neighbours."""
    return with_next(solid, 0) | with_next(solid, 1) | with_next(solid, 2)


def _critical_edges(solid: Flags, field: Floats) -> list[Ints]:
    """Places to take in where two samples inside, diagonal in a square, meet only along an edge.

    Of the two between them it is the one nearer to the surface.
    """
    found = []
    for first, second in ((0, 1), (0, 2), (1, 2)):
        near, far_first, far_second, far = (
            solid[_shift(first, i, second, j)] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))
        )
        for critical, between in (
            (near & far & ~far_first & ~far_second, ((1, 0), (0, 1))),
            (far_first & far_second & ~near & ~far, ((0, 0), (1, 1))),
        ):
            places = np.argwhere(critical)
            if len(places) == 0:
                continue
            choices = []
            for i, j in between:
                choice = places.copy()
                choice[:, first] += i
                choice[:, second] += j
                choices.append(choice)
            values = [field[tuple(choice.T)] for choice in choices]
            found.append(np.where((values[0] > values[1])[:, None], choices[0], choices[1]))
    return found


def _critical_corners(solid: Flags) -> list[Ints]:
    """Places to take in where two samples inside, or two outside, meet only at the corner of a cube."""
    ends = tuple(length - 1 for length in solid.shape)
    corners = [solid[i : ends[0] + i, j : ends[1] + j, k : ends[2] + k] for i, j, k in _CORNERS]
    count = np.zeros(ends, np.uint8)
    for corner in corners:
        count += corner
    found = []
    for number in range(4):
        one, other = corners[number], corners[7 - number]
        hollow = np.argwhere((count == 6) & ~one & ~other)
        if len(hollow):
            found.append(hollow + _CORNERS[number])
        touching = np.argwhere((count == 2) & one & other)
        if len(touching):
            between = next(each for each in range(8) if each not in (number, 7 - number))
            found.append(touching + _CORNERS[between])
    return found


def _shift(first: int, i: int, second: int, j: int) -> tuple[slice, ...]:
    part = [slice(None)] * 3
    part[first] = slice(1, None) if i else slice(None, -1)
    part[second] = slice(1, None) if j else slice(None, -1)
    return tuple(part)
