# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges of a soft mask drawn to the edges of the photo, at the photo's full resolution.

The fast guided filter of He and Sun (2015, arXiv:1505.00996): within a small window the mask is taken to be a linear
function of the photo's brightness, mask = a · brightness + b. The factors are found at proxy size, where the windows
are small, and used at full size, where the photo's edges are sharp.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_RADIUS = 1 / 250  # of the proxy's long edge: a window as wide as the model's own blur
_FLATNESS = 0.01**2  # variance of brightness (0 to 1) below which there is no edge to draw to

Box = tuple[int, int, int, int]


def refine(soft: Image.Image, photo: Image.Image, region: Box) -> Image.Image:
    """The part ``region`` (left, top, right, bottom) of a soft mask at the photo's size, drawn to the photo's edges.

    ``soft`` and ``photo`` are pictures in mode L of the same view, of any two sizes; ``region`` is in the photo's
    pixels. Returns mode L.
    """
    columns, rows = soft.width / photo.width, soft.height / photo.height
    radius = max(1, round(max(soft.size) * _RADIUS))
    # What the region needs of the soft mask: a factor depends on two windows, and is mixed with its neighbour's.
    near = 2 * radius + 2
    left, top = (max(0, int(place * scale) - near) for place, scale in zip(region[:2], (columns, rows), strict=True))
    right, bottom = min(soft.width, int(region[2] * columns) + near), min(soft.height, int(region[3] * rows) + near)
    guide_picture = photo.resize(soft.size, Image.Resampling.BOX)
    mask, guide = (
        np.asarray(picture.crop((left, top, right, bottom)), dtype=np.float64) / 255
        for picture in (soft, guide_picture)
    )
    mean_mask, mean_guide = _mean(mask, radius), _mean(guide, radius)
    variance = _mean(guide * guide, radius) - mean_guide**2
    factor = (_mean(guide * mask, radius) - mean_guide * mean_mask) / (variance + _FLATNESS)
    offset = mean_mask - factor * mean_guide
    # Rounded up, the end would lie outside, which Pillow refuses.
    box = (
        region[0] * columns - left,
        region[1] * rows - top,
        min(region[2] * columns, soft.width) - left,
        min(region[3] * rows, soft.height) - top,
    )
    wide = [_enlarged(_mean(each, radius), region, box) for each in (factor, offset)]
    values = wide[0] * (np.asarray(photo.crop(region), dtype=np.float32) / 255) + wide[1]
    return Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))


def _mean(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """The mean over a square window of 2 · radius + 1 pixels, the border repeated outwards."""
    for axis in (0, 1):
        ends = [(radius + 1, radius) if each == axis else (0, 0) for each in (0, 1)]
        sums = np.cumsum(np.pad(values, ends, mode="edge"), axis=axis)
        width = 2 * radius + 1
        upper, lower = np.moveaxis(sums, axis, 0)[width:], np.moveaxis(sums, axis, 0)[:-width]
        values = np.moveaxis((upper - lower) / width, 0, axis)
    return values


def _enlarged(values: NDArray[np.float64], region: Box, box: tuple[float, float, float, float]) -> NDArray[np.float32]:
    size = (region[2] - region[0], region[3] - region[1])
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR, box=box))
