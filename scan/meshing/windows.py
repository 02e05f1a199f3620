# SPDX-License-Identifier: GPL-3.0-or-later
"""How well windows of two photos agree, for many depths at once: normalised cross-correlation.

The windows follow the surface that the depths describe: each pixel of a window is looked up at its own depth, so that
windows slant as the surface does (Gallup et al., Real-Time Plane-Sweeping Stereo with Multiple Sweeping Directions,
2007).
"""

from dataclasses import dataclass

import numpy as np

from ..views.view import Flags, Floats, View, bilinear, rotated

WINDOW = 7
"""Pixels along a window's side."""
HALF = WINDOW // 2
NOISE = np.float32(6.0)
"""A variance, in squared grey values, that grain and coding alone give: windows with no more agree by chance."""


@dataclass(frozen=True, eq=False)
class Homography:
    """Where the pixels of one view are in another: with d their depths, x = (a₀ d + b₀) / (a₂ d + b₂), y likewise.

    Rays through pixels and the plane-induced homographies of Hartley and Zisserman (Multiple View Geometry, 2nd ed.,
    13.1) are the same thing; this form has a depth for each pixel.
    """

    slope: Floats
    """a: 3 × height × width."""
    shift: Floats
    """b: 3."""


def homography(view: View, other: View, rays: Floats) -> Homography:
    """For the pixels with these ``rays`` (3 × height × width, see ``View.rays``) of a view, in another."""
    turn = other.rotation.astype(np.float64) @ view.rotation.T
    move = other.translation - turn @ view.translation
    camera = np.array([[other.focal_x, 0, other.center_x], [0, other.focal_y, other.center_y], [0, 0, 1]], np.float32)
    slope = rotated(np.asarray(camera @ turn, np.float32), np.moveaxis(rays, 0, -1))
    return Homography(slope, np.asarray(camera @ move, np.float32))


def box_sums(values: Floats) -> Floats:
    """The sums over windows, … × (height - 6) × (width - 6): only of those that lie within."""
    pairs = values[..., 1:, :] + values[..., :-1, :]
    fours = pairs[..., 2:, :] + pairs[..., :-2, :]
    rows = fours[..., :-3, :] + pairs[..., 4:-1, :]
    rows += values[..., 6:, :]
    pairs = rows[..., 1:] + rows[..., :-1]
    fours = pairs[..., 2:] + pairs[..., :-2]
    sums = fours[..., :-3] + pairs[..., 4:-1]
    sums += rows[..., 6:]
    return np.asarray(sums)


def peak_shift(low: Floats, here: Floats, high: Floats, is_peak: Flags) -> Floats:
    """Where between its neighbours the top of a score is, -0.5 to 0.5 steps from ``here``: that of a parabola.

    0 where ``is_peak`` is not.
    """
    bend = low - 2 * here + high
    shift = np.where(is_peak, 0.5 * (low - high) / np.where(is_peak, bend, 1), 0)
    return np.asarray(np.clip(shift, -0.5, 0.5))


def scores(reference: Floats, weights: Floats, source: Floats, where: Homography, depths: Floats) -> Floats:
    """Returns n × (height - 6) × (width - 6): how windows of ``reference`` and ``source`` correlate, -1 to 1.

    ``reference`` and ``weights`` (0 for pixels that do not count) are height × width, ``depths`` n × height × width.
    This is the seam at which another way of computing the same could be put.
    """
    bottom = depths * where.slope[2]
    bottom += where.shift[2]
    np.reciprocal(bottom, out=bottom)
    x = depths * where.slope[0]
    x += where.shift[0]
    x *= bottom
    y = depths * where.slope[1]
    y += where.shift[1]
    y *= bottom
    seen = bilinear(source, x, y)
    count = box_sums(weights)
    share = 1 / np.maximum(count, np.float32(1))
    weighted = reference * weights
    mean = box_sums(weighted) * share
    variance = np.maximum(box_sums(weighted * reference) * share - mean * mean, 0) + NOISE
    part = seen * weights
    seen_mean = box_sums(part)
    seen_mean *= share
    seen *= part
    seen_variance = box_sums(seen)
    seen_variance *= share
    part *= reference
    both = box_sums(part)
    both *= share
    both -= seen_mean * mean
    seen_mean *= seen_mean
    seen_variance -= seen_mean
    np.maximum(seen_variance, 0, out=seen_variance)
    seen_variance += NOISE
    seen_variance *= variance
    np.sqrt(seen_variance, out=seen_variance)
    both /= seen_variance
    return both
