# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges of a soft mask drawn to the edges of the photo, at the photo's full resolution.

The fast guided filter of He and Sun (2015, arXiv:1505.00996): within a small window the mask is taken to be a linear
function of the photo's brightness, mask = a · brightness + b. The factors are found at proxy size, where the windows
are small, and used at full size, where the photo's edges are sharp.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..common.boxes import Box, bands
from ..photos.pixels import scaled

_RADIUS = 1 / 250  # of the proxy's long edge: a window as wide as the model's own blur
_FLATNESS = 0.01**2  # variance of brightness (0 to 1) below which there is no edge to draw to

# Models answer with 1024 pixels or less: what was scaled up beyond has nothing more to say, and takes memory.
_LONGEST = 1024


def refine(soft: Image.Image, photo: Image.Image, region: Box, threshold: int) -> NDArray[np.uint8]:
    """The mask, 0 and 255, that a soft mask is once it is drawn to the photo's edges; the part ``region`` of it.

    ``soft`` and ``photo`` are pictures in mode L of the same view, of any two sizes; ``region`` (left, top, right,
    bottom) is in the photo's pixels. Kept is what reaches ``threshold``, from 1 to 255. The result has the shape
    (height, width) of the region.
    """
    if max(soft.size) > _LONGEST:
        soft = soft.resize(scaled(soft.size, _LONGEST / max(soft.size)), Image.Resampling.BOX)
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
    line = [Image.fromarray(_mean(each, radius).astype(np.float32)) for each in (factor, offset)]
    binary = np.empty((region[3] - region[1], region[2] - region[0]), np.uint8)
    for band in bands(region):
        # Rounded up, the end would lie outside, which Pillow refuses.
        box = (
            band[0] * columns - left,
            band[1] * rows - top,
            min(band[2] * columns, soft.width) - left,
            min(band[3] * rows, soft.height) - top,
        )
        size = (band[2] - band[0], band[3] - band[1])
        a, b = (np.asarray(each.resize(size, Image.Resampling.BILINEAR, box=box)) for each in line)
        brightness = np.asarray(photo.crop(band), dtype=np.float32)
        kept = a * brightness + b * 255 >= threshold
        binary[band[1] - region[1] : band[3] - region[1]] = np.where(kept, 255, 0)
    return binary


def _mean(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """The mean over a square window of 2 · radius + 1 pixels, the border repeated outwards."""
    for axis in (0, 1):
        ends = [(radius + 1, radius) if each == axis else (0, 0) for each in (0, 1)]
        sums = np.cumsum(np.pad(values, ends, mode="edge"), axis=axis)
        width = 2 * radius + 1
        upper, lower = np.moveaxis(sums, axis, 0)[width:], np.moveaxis(sums, axis, 0)[:-width]
        values = np.moveaxis((upper - lower) / width, 0, axis)
    return values
