# SPDX-License-Identifier: GPL-3.0-or-later
"""Connected regions of a binary picture, in numpy alone: what Blender has of scientific packages is numpy."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Mask: TypeAlias = NDArray[np.bool_]

_BAND = 256  # rows at a time


def small_regions(mask: Mask, largest: float, *, diagonal: bool, enclosed: bool = False) -> Mask:
    """Where regions of at most ``largest`` pixels are set.

    ``mask`` has the shape (height, width); so has the result. With ``diagonal``, pixels that touch at a corner are
    one region. With ``enclosed``, regions that reach the picture's border are left out. Works on runs (stretches of set
    pixels in a row), of which a mask has few, and on some rows at a time: little memory.
    """
    rows, starts, ends = _runs(mask)
    labels = _connect(len(rows), *_touching(rows, starts, ends, mask.shape[1], diagonal))
    areas = np.bincount(labels, weights=ends - starts, minlength=1)
    chosen = areas[labels] <= largest
    if enclosed:
        height, width = mask.shape
        is_at_border = np.zeros(len(areas), np.bool_)
        is_at_border[labels[(rows == 0) | (rows == height - 1) | (starts == 0) | (ends == width)]] = True
        chosen &= ~is_at_border[labels]
    result = np.zeros(mask.shape, np.bool_)
    for band in _bands(mask):
        within = chosen & (rows >= band.start) & (rows < band.stop)
        if within.any():
            # +1 where a chosen run starts and -1 behind it: the sum along each row is 1 inside of runs.
            steps = np.zeros((band.stop - band.start, mask.shape[1] + 1), np.int8)
            steps[rows[within] - band.start, starts[within]] = 1
            steps[rows[within] - band.start, ends[within]] -= 1
            result[band] = steps.cumsum(axis=1, dtype=np.int8)[:, :-1]
    return result


def _bands(mask: Mask) -> Iterator[slice]:
    for begin in range(0, mask.shape[0], _BAND):
        yield slice(begin, min(begin + _BAND, mask.shape[0]))


def _runs(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Row, first column and column behind the last of every run, row by row from left to right."""
    changes = []
    for band in _bands(mask):
        framed = np.zeros((band.stop - band.start, mask.shape[1] + 2), np.bool_)
        framed[:, 1:-1] = mask[band]
        changes.append(np.flatnonzero(framed[:, 1:] != framed[:, :-1]) + band.start * (mask.shape[1] + 1))
    # A run's start and its end by turns: every row begins and ends with what is not set.
    rows, columns = np.divmod(np.concatenate(changes), mask.shape[1] + 1)
    return rows[::2], columns[::2], columns[1::2]


def _touching(
    rows: NDArray[np.intp], starts: NDArray[np.intp], ends: NDArray[np.intp], width: int, diagonal: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of runs that touch from one row to the next, as two arrays of run numbers."""
    reach = int(diagonal)
    line = width + 2  # positions of one row are told from the next one's by this much
    below = (rows + 1) * line
    first = np.searchsorted(rows * line + ends + reach, below + starts, side="right")
    behind = np.searchsorted(rows * line + starts, below + ends + reach, side="left")
    counts = np.maximum(behind - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    lower = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    return upper, lower


def _connect(count: int, left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.intp]:
    """The smallest run number of each run's region: neighbours pass theirs on, and chains are cut short each round."""
    labels = np.arange(count)
    while True:
        lowest = np.minimum(labels[left], labels[right])
        if np.array_equal(labels[left], labels[right]):
            return labels
        np.minimum.at(labels, labels[left], lowest)
        np.minimum.at(labels, labels[right], lowest)
        while not np.array_equal(labels, labels[labels]):
            labels = labels[labels]
