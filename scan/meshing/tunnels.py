# SPDX-License-Identifier: GPL-3.0-or-later
"""Narrow tunnels that noise leaves where two parts of an object come near each other.

Each piece that a closing would take in (Serra, Image Analysis and Mathematical Morphology, 1982) is looked at by
itself: where taking it in makes a tunnel less, by the Euler characteristic of the cubes around the samples, it is
filled, and with it the furrow that it is the bottom of; furrows and pits without a tunnel stay. A piece that is the
neck of a hollow is given back (``reopen``): nothing seen from nearby tells it from a tunnel.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..views.view import Flags, Floats, Ints
from .composed import grown

_REACH = 3
"""Tunnels up to twice so many samples wide, and longer than that, are filled."""
_AHEAD = tuple(move for move in itertools.product((-1, 0, 1), repeat=3) if move > (0, 0, 0))
"""From a sample to half of its 26 neighbours."""
_CUBE = tuple(itertools.product((0, 1), repeat=3))


@dataclass(frozen=True, eq=False)
class Filled:
    """A tunnel that was filled."""

    samples: Ints
    """n × 3."""
    values: Floats
    """What the field was there, n."""


def fill_tunnels(field: Floats, inside: float, may_be: Callable[[Ints], Flags]) -> list[Filled]:
    """Fill the tunnels of ``field`` (positive inside): what is taken in gets the value ``inside``.

    ``may_be`` says of samples, n × 3, whether the object may be there.
    """
    solid = np.pad(field > 0, _REACH)
    filled = []
    for reach in range(1, _REACH + 1):
        outside = ~_grown(solid, reach)
        for whole in _pieces(np.argwhere(~_grown(outside, reach) & ~solid), solid.shape):
            if not _is_tunnel(solid, whole):
                continue
            piece = whole[may_be(whole - _REACH)]
            if len(piece) and _is_tunnel(solid, piece):
                samples = piece - _REACH
                filled.append(Filled(samples, field[tuple(samples.T)]))
                solid[tuple(piece.T)] = True
                field[tuple(samples.T)] = inside
    return filled


def reopen(field: Floats, filled: list[Filled], hollows: Ints) -> bool:
    """Give ``field`` back what was filled beside hollows; returns whether anything was.

    ``hollows`` are the lower corners, n × 3, of the cubes of samples that the surfaces of hollows run through.
    """
    shape = tuple(length + 2 for length in field.shape)  # what is beside the last sample has a number of its own

    def numbers(samples: Ints) -> Ints:
        return np.asarray(np.ravel_multi_index(tuple((samples + 1).T), shape), np.int64)

    beside = np.unique([numbers(hollows + move) for move in _CUBE])
    necks = [each for each in filled if np.isin(numbers(each.samples), beside).any()]
    for neck in necks:
        field[tuple(neck.samples.T)] = neck.values
    return bool(necks)


def _grown(flags: Flags, times: int) -> Flags:
    for _ in range(times):
        flags = grown(flags)
    return flags


def _pieces(samples: Ints, shape: tuple[int, ...]) -> list[Ints]:
    """The samples, n × 3 in the order of ``argwhere``, by the connected piece they are in."""
    if len(samples) == 0:
        return []
    strides = np.array([shape[1] * shape[2], shape[2], 1])
    key = samples @ strides
    pairs = []
    for move in _AHEAD:
        at = np.minimum(np.searchsorted(key, key + np.array(move) @ strides), len(key) - 1)
        near = (samples[at] - samples == move).all(1)
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
    return np.split(samples[order], np.nonzero(np.diff(label[order]))[0] + 1)


def _is_tunnel(solid: Flags, piece: Ints) -> bool:
    """Whether taking in a piece makes a tunnel less, as far as can be seen from nearby."""
    low, high = np.maximum(piece.min(0) - 1, 0), piece.max(0) + 2  # with the cubes that touch it
    before = solid[tuple(slice(first, last) for first, last in zip(low, high, strict=True))]
    after = before.copy()
    after[tuple((piece - low).T)] = True
    return _euler(after) > _euler(before)


def _euler(solid: Flags) -> int:
    """The Euler characteristic of the union of closed unit cubes: corners less edges plus squares less cubes."""
    total = 0
    for axes in itertools.product((False, True), repeat=3):  # along which a cell has no extent
        cells = solid
        for axis in np.nonzero(axes)[0]:
            cells = _faces(cells, axis)
        total += int(cells.sum()) * (-1) ** (3 - sum(axes))
    return total


def _faces(cells: Flags, axis: int) -> Flags:
    """The ends of cells along an axis: one more than there are cells."""
    ends = np.zeros([length + (number == axis) for number, length in enumerate(cells.shape)], bool)
    along = np.moveaxis(ends, axis, 0)
    along[:-1] = np.moveaxis(cells, axis, 0)
    along[1:] |= np.moveaxis(cells, axis, 0)
    return ends
