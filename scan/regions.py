# SPDX-License-Identifier: GPL-3.0-or-later
"""Connected regions of a binary picture, in numpy alone: what Blender has of scientific packages is numpy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Mask: TypeAlias = NDArray[np.bool_]


def small_regions(mask: Mask, largest: float, *, diagonal: bool, enclosed: bool = False) -> Mask:
    """Where regions of at most ``largest`` pixels are set.

    ``mask`` has the shape (height, width); so has the result. With ``diagonal``, pixels that touch at a corner are
    one region. With ``enclosed``, regions that reach the picture's border are left out. Works on runs (stretches of set
    pixels in a row), of which a mask of 1024 × 768 has some thousands.
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
    # +1 where a chosen run starts and -1 behind it: the sum along each row is 1 inside of runs.
    steps = np.zeros((mask.shape[0], mask.shape[1] + 1), np.int8)
    steps[rows[chosen], starts[chosen]] = 1
    steps[rows[chosen], ends[chosen]] -= 1
    return steps.cumsum(axis=1, dtype=np.int8)[:, :-1].astype(np.bool_)


def _runs(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Row, first column and column behind the last of every run, row by row from left to right."""
    framed = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    framed[:, 1:-1] = mask
    steps = np.diff(framed, axis=1)
    rows, starts = np.nonzero(steps == 1)
    return rows, starts, np.nonzero(steps == -1)[1]


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
