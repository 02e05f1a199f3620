# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps by sweeping a surface through space (Collins, A Space-Sweep Approach to True Multi-Image Matching, 1996).

In: a view, its neighbours, and a base: a depth for each pixel, around which depths are tried in even steps. Out: the
depth of each pixel and how well the photos agree there, -1 to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..views.view import Flags, Floats, Ints, View
from .semiglobal import winners
from .windows import HALF, Homography, homography, peak_shift, scores

_ROWS = 64
_DEPTHS = 8
"""So many rows and depths are computed at once, so that they fit a processor's cache."""
_FINES = 0.25, 0.1, 0.0
"""What the score loses where one view alone agrees, or two do, or three."""
BEST = len(_FINES)
"""So many views make a score, since in some the surface is hidden."""
HIDDEN = np.float32(-1.0)
"""The score of a depth that cannot be."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A view and its pixels in grey, height × width, 0 to 255."""

    view: View
    grey: Floats


@dataclass(frozen=True, eq=False)
class Base:
    """Where to look. Height × width, in units of the world."""

    depth: Floats
    """Infinite where the view sees past the object."""
    reach: Floats
    """Depths further behind ``depth`` than this cannot be."""


@dataclass(frozen=True, eq=False)
class DepthMap:
    """What a sweep found. Height × width."""

    depth: Floats
    """0 where there is none."""
    score: Floats
    """-1 to 1, 0 where there is no depth."""


def sweep(picture: Picture, others: Sequence[Picture], base: Base, offsets: Floats) -> DepthMap:
    """The depth of each pixel, from ``base.depth + offsets`` (evenly spaced, ascending).

    How the scores of the other views make one says ``combined``.
    """
    counts = np.isfinite(base.depth)
    if not others or not counts.any():
        return DepthMap(np.zeros_like(base.depth), np.zeros_like(base.depth))
    rows, columns = np.nonzero(counts.any(1))[0], np.nonzero(counts.any(0))[0]
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    counts = counts[part]
    depth = np.where(counts, base.depth[part], np.float32(np.median(base.depth[part][counts])))
    volume = _volume(picture, others, depth, counts, part, offsets)
    behind = offsets[:, None, None] > base.reach[part]
    volume[behind] = HIDDEN
    found, score = _between(volume, winners(volume, counts), offsets)
    whole_depth, whole_score = np.zeros_like(base.depth), np.zeros_like(base.depth)
    whole_depth[part] = np.where(counts, depth + found, 0)
    whole_score[part] = np.where(counts, score, 0)
    return DepthMap(whole_depth, whole_score)


def _volume(
    picture: Picture,
    others: Sequence[Picture],
    depth: Floats,
    counts: Flags,
    part: tuple[slice, slice],
    offsets: Floats,
) -> Floats:
    """The scores of all offsets, n × height × width of the part."""
    pad = ((HALF, HALF), (HALF, HALF))
    reference = np.pad(picture.grey[part], pad)
    weights = np.pad(counts.astype(np.float32), pad)
    padded = np.pad(depth, pad, mode="edge")
    rows, columns = (np.arange(each.start - HALF, each.stop + HALF) for each in part)
    rays = picture.view.rays(rows, columns)
    height, width = depth.shape
    volume = np.full((len(offsets), height, width), HIDDEN)
    homographies = [homography(picture.view, other.view, rays) for other in others]
    for top in range(0, height, _ROWS):
        rows_here = slice(top, min(top + _ROWS, height))
        filled = np.nonzero(counts[rows_here].any(0))[0]
        if len(filled) == 0:
            continue
        here = (rows_here, slice(filled[0], filled[-1] + 1))
        wide = (slice(top, rows_here.stop + 2 * HALF), slice(filled[0], filled[-1] + 1 + 2 * HALF))
        there = [Homography(where.slope[(slice(None), *wide)], where.shift) for where in homographies]
        for first in range(0, len(offsets), _DEPTHS):
            depths = padded[wide] + offsets[first : first + _DEPTHS, None, None]
            ranked: list[Floats] = []
            for other, where in zip(others, there, strict=True):
                _rank(ranked, scores(reference[wide], weights[wide], other.grey, where, depths))
            volume[(slice(first, first + _DEPTHS), *here)] = combined(ranked)
    return volume


def _rank(ranked: list[Floats], score: Floats) -> None:
    """Put a score into the list of the best, which are in descending order at every place."""
    for number, better in enumerate(ranked):
        low = np.minimum(better, score)
        np.maximum(better, score, out=better)
        ranked[number], score = better, low
    if len(ranked) < BEST:
        ranked.append(score)


def combined(ranked: list[Floats]) -> Floats:
    """The score of a depth from those of the best views, in descending order: their mean, or that of fewer less a fine.

    In a narrow hollow two photos in all may show a place, and the others what is in front of it.
    """
    total = ranked[0].copy()
    result = total - np.float32(_FINES[0])
    for number, score in enumerate(ranked[1:], 2):
        total += score
        np.maximum(result, total / np.float32(number) - np.float32(_FINES[number - 1]), out=result)
    return result


def _between(volume: Floats, won: Ints, offsets: Floats) -> tuple[Floats, Floats]:
    """The offset and the score at the best of the winner and its two neighbours, exact to a part of a step."""
    last = len(offsets) - 1
    around = np.stack([np.clip(won + move, 0, last) for move in (-1, 0, 1)])
    near = np.take_along_axis(volume, around, 0)
    best = np.clip(won + near.argmax(0) - 1, 0, last)
    middle = np.clip(best, 1, last - 1)
    low, here, high = (np.take_along_axis(volume, (middle + move)[None], 0)[0] for move in (-1, 0, 1))
    is_peak = (low - 2 * here + high < -1e-6) & (best == middle)
    step = offsets[1] - offsets[0]
    score = np.take_along_axis(volume, best[None], 0)[0]
    return offsets[best] + peak_shift(low, here, high, is_peak).astype(np.float32) * step, score
