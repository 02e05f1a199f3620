# SPDX-License-Identifier: GPL-3.0-or-later
"""Narrow tunnels that noise leaves, where two parts of an object come near each other and no photo sees between them.

Each place that a closing would take in (Serra, Image Analysis and Mathematical Morphology, 1982) is looked at by
itself: where taking it in makes a tunnel less, by the Euler characteristic of the cubes around the samples, it is
filled; furrows and pits stay.
"""

import itertools
from collections.abc import Callable

import numpy as np

from .composed import grown
from .views import Flags, Floats, Ints

_WIDEST = 3
"""Tunnels up to twice so many samples wide are filled."""
_AROUND = 2
_AHEAD = tuple(move for move in itertools.product((-1, 0, 1), repeat=3) if move > (0, 0, 0))
"""From a sample to half of its 26 neighbours."""


def fill_tunnels(field: Floats, inside: float, may_be: Callable[[Ints], Flags]) -> int:
    """Fill the tunnels of ``field`` (positive inside): what is taken in gets the value ``inside``.

    ``may_be`` says of samples, n × 3, whether the object may be there. Returns how many were taken in.
    """
    solid = np.pad(field > 0, _WIDEST)
    taken = 0
    for reach in range(1, _WIDEST + 1):
        outside = ~_grown(solid, reach)
        places = np.argwhere(~_grown(outside, reach) & ~solid)
        for place in _pieces(places, solid.shape):
            if _is_tunnel(solid, place) and may_be(place - _WIDEST).all():
                solid[tuple(place.T)] = True
                field[tuple((place - _WIDEST).T)] = inside
                taken += len(place)
    return taken


def _grown(flags: Flags, times: int) -> Flags:
    for _ in range(times):
        flags = grown(flags)
    return flags


def _pieces(places: Ints, shape: tuple[int, ...]) -> list[Ints]:
    """The samples, n × 3 in the order of ``argwhere``, by the connected piece they are in."""
    if len(places) == 0:
        return []
    strides = np.array([shape[1] * shape[2], shape[2], 1])
    key = places @ strides
    pairs = []
    for move in _AHEAD:
        at = np.minimum(np.searchsorted(key, key + np.array(move) @ strides), len(key) - 1)
        near = (np.abs(places[at] - places - move) == 0).all(1)
        pairs.append((np.nonzero(near)[0], at[near]))
    one, other = (np.concatenate([pair[end] for pair in pairs]) for end in (0, 1))
    label = np.arange(len(key))
    while True:
        least = label.copy()
        np.minimum.at(least, one, label[other])
        np.minimum.at(least, other, label[one])
        least = least[least]  # pointer jumping, as in surface.parts
        if np.array_equal(least, label):
            break
        label = least
    order = np.argsort(label, kind="stable")
    return np.split(places[order], np.nonzero(np.diff(label[order]))[0] + 1)


def _is_tunnel(solid: Flags, place: Ints) -> bool:
    """Whether taking in a piece makes a tunnel less."""
    low, high = place.min(0) - _AROUND, place.max(0) + _AROUND + 1
    before = solid[tuple(slice(max(0, first), last) for first, last in zip(low, high, strict=True))]
    after = before.copy()
    after[tuple((place - np.maximum(low, 0)).T)] = True
    return _euler(after) > _euler(before)


def _euler(solid: Flags) -> int:
    """The Euler characteristic of the union of closed unit cubes: corners less edges plus squares less cubes."""
    total = 0
    for axes in itertools.product((False, True), repeat=3):  # along which a cell has no extent
        cells = solid
        for axis in np.nonzero(axes)[0]:
            wide = [(0, 0)] * 3
            wide[axis] = (1, 1)
            padded = np.pad(cells, wide)
            cells = np.delete(padded, 0, axis) | np.delete(padded, -1, axis)
        total += int(cells.sum()) * (-1) ** (3 - sum(axes))
    return total
