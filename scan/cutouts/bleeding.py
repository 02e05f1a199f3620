# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of an object, gone on with beyond its edge: what a cutout has where its background was."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ..common.boxes import Box, bands, grown, inner

BLEED = 16
"""How far colour is bled beyond the edge, in pixels: past what filters and a texture's first mipmaps reach."""

_GRAIN = 4  # pixels; the bled colour is worked out this coarse
_RADII = (16, 5, 2, 0)  # of squares, in grains: the second reaches as far as the bleeding from a straight edge
# How much the outermost pixels say about that colour, beside those _RIM pixels deep: background shines through them.
_RIM_WEIGHT = 0.02
_RIM = 3

_ONLY_WHOLE = [0] * 255 + [255]


class BledColours:
    """What the kept pixels of a picture look like, and how that goes on beyond them.

    Averages over ever smaller squares: where one holds enough of what is kept, it speaks instead of the larger one.
    """

    mean: tuple[int, ...] | int
    """The average colour of what is kept, as Pillow wants it for the picture's mode."""

    def __init__(self, picture: Image.Image, mask: Image.Image, box: Box) -> None:
        """``picture`` is RGB or grey, ``mask`` 0 or 255 (255 = keep), of one size. Nothing is kept outside ``box``."""
        self._corner = box[:2]
        sums = zip(*(_sums(picture, mask, band) for band in bands(box)), strict=True)
        colours, weights = (np.concatenate(rows) for rows in sums)
        # In double precision: numpy adds row after row, and so many of them do not fit single precision.
        mean = colours.sum(axis=(0, 1), dtype=np.float64) / max(float(weights.sum(dtype=np.float64)), 1e-6)
        filled = np.full(colours.shape, mean, np.float32)
        for radius in _RADII:
            around = _box_sum(weights, radius)
            share = np.minimum(around, 1)
            scale = share / np.maximum(around, 1e-6)
            for channel in range(filled.shape[2]):  # one at a time: little memory
                speaks = scale * _box_sum(colours[..., channel], radius)
                filled[..., channel] = speaks + (1 - share) * filled[..., channel]
        values = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
        rounded = tuple(round(float(level)) for level in mean)
        self.mean = rounded[0] if picture.mode == "L" else rounded
        self._coarse = Image.fromarray(values[..., 0] if picture.mode == "L" else values)

    def part(self, box: Box) -> Image.Image:
        """The picture's part ``box``, inside the box that was given, with these colours everywhere."""
        left, top = self._corner
        place = ((box[0] - left) / _GRAIN, (box[1] - top) / _GRAIN, (box[2] - left) / _GRAIN, (box[3] - top) / _GRAIN)
        return self._coarse.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR, place)


def _sums(picture: Image.Image, mask: Image.Image, band: Box) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours of what is kept in a band, and how much they count, on squares of _GRAIN: (h, w, channels), (h, w)."""
    around = grown(band, picture.size, _RIM)
    keep = mask.crop(around)
    deep = keep.filter(ImageFilter.BoxBlur(_RIM)).point(_ONLY_WHOLE)
    piece = picture.crop(band)
    all_colours, all_weights = _coarse(piece, inner(keep, around, band))
    deep_colours, deep_weights = _coarse(piece, inner(deep, around, band))
    return deep_colours + _RIM_WEIGHT * all_colours, deep_weights + _RIM_WEIGHT * all_weights


def _coarse(picture: Image.Image, keep: Image.Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours of what is kept, times its share, and that share, on squares of _GRAIN: (h, w, channels), (h, w)."""
    kept = Image.new(picture.mode, picture.size)
    kept.paste(picture, (0, 0), keep.point(lambda level: level, "1"))
    colours = np.asarray(kept.reduce(_GRAIN), dtype=np.float32)
    share = np.asarray(keep.reduce(_GRAIN), dtype=np.float32) / np.float32(255)
    return colours.reshape(*share.shape, -1), share


def _box_sum(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """The sums over squares of 2 × radius + 1 around every place of (h, w)."""
    if radius == 0:
        return values
    for _ in range(2):  # along the rows, turned, and once more
        # In double precision: the running sum of a whole row has to give back small differences.
        running = np.pad(values, ((0, 0), (radius + 1, radius))).cumsum(axis=1, dtype=np.float64)
        values = (running[:, 2 * radius + 1 :] - running[:, : -2 * radius - 1]).astype(np.float32).T
    return values
