# SPDX-License-Identifier: GPL-3.0-or-later
"""From a soft mask to the mask an engine reads: turned back, scaled up, thresholded, mended, grown, written as PNG."""

import io
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..photos.pixels import to_stored
from .edges import refine
from .png import encode_mask
from .settings import MaskSettings

# A bicubic filter reaches two soft pixels far, and overshoots what lies there by less than this factor.
_REACH, _OVERSHOOT = 3, 0.75
_TILE = 16  # soft pixels, more than the filter reaches


@dataclass(frozen=True)
class Mask:
    """A binary mask over a photo's stored pixels, of which only the part around the object is held.

    ``size`` is the photo's width and height; ``corner`` is the column and row of the part's first pixel; ``part`` has
    the shape (height, width) and the values 0 and 255. All around it is 0.
    """

    size: tuple[int, int]
    corner: tuple[int, int]
    part: NDArray[np.uint8]

    @classmethod
    def of(cls, image: Image.Image) -> Self:
        """The mask that a picture in mode L is, of 0 and 255."""
        return cls(image.size, (0, 0), np.asarray(image))

    def reduced(self, long_edge: int) -> Image.Image:
        """A small picture of the mask, soft at the edge, its long edge ``long_edge`` pixels or a little more."""
        factor = max(1, max(self.size) // long_edge)
        small = Image.new("L", (-(-self.size[0] // factor), -(-self.size[1] // factor)))
        small.paste(Image.fromarray(self.part).reduce(factor), (self.corner[0] // factor, self.corner[1] // factor))
        return small

    def image(self) -> Image.Image:
        """The whole mask as a picture."""
        image = Image.new("L", self.size)
        image.paste(Image.fromarray(self.part), self.corner)
        return image

    def encode(self) -> bytes:
        """The whole mask as an 8-bit, one-channel PNG."""
        return encode_mask(self.size, self.corner, self.part)

    def facts(self) -> dict[str, Any]:
        """Returns what a record has of a mask: foreground share, centroid and box of what is kept, in stored pixels.

        ``foreground`` is 0 to 1; ``centroid`` is x and y, with (0.5, 0.5) in the middle of the first pixel; ``box``
        is left, top, right, bottom, the latter two exclusive. An empty mask has neither of them.
        """
        # Faster than np.count_nonzero along an axis.
        columns, rows = (self.part.sum(axis=axis, dtype=np.uint32) // 255 for axis in (0, 1))
        count = int(rows.sum())
        share = count / (self.size[0] * self.size[1])
        if not count:
            return {"foreground": 0.0, "centroid": None, "box": None}
        ends = []
        centroid = []
        for counts, start in zip((columns, rows), self.corner, strict=True):
            places = np.flatnonzero(counts)
            ends.append((start + int(places[0]), start + int(places[-1]) + 1))
            centroid.append(round(start + 0.5 + float((counts * np.arange(len(counts))).sum()) / count, 1))
        box = (ends[0][0], ends[1][0], ends[0][1], ends[1][1])
        return {"foreground": round(share, 4), "centroid": tuple(centroid), "box": box}


@dataclass(frozen=True)
class Answer:
    """What a model makes of a proxy: a soft mask of its size, in mode L."""

    image: Image.Image
    png: bytes
    """The same, as it is kept on disk."""


def read_soft_mask(content: bytes, size: tuple[int, int]) -> Image.Image:
    """Decode a server's answer and check that it is one mask for a picture of ``size`` (width, height).

    Raises ValueError saying what is wrong: the caller knows whether to ask again.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=("PNG",))
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError("the mask cannot be decoded (not a PNG)") from error
    if image.mode != "L":
        raise ValueError(f"the mask has the channels {image.mode}, not one")
    if image.width == size[0] and image.height > size[1] and image.height % size[1] == 0:
        raise ValueError(f"the model answers with {image.height // size[1]} masks stacked, not one")
    if image.size != size:
        raise ValueError(f"the mask is {image.width} × {image.height} pixels, not {size[0]} × {size[1]}")
    # Decoded last: what claims another size may be a bomb.
    try:
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"the mask cannot be decoded ({error})") from error
    return image


def as_png(soft: Image.Image) -> bytes:
    """A soft mask as the one-channel PNG that it is kept as."""
    buffer = io.BytesIO()
    soft.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def make_mask(
    soft: Image.Image,
    orientation: int,
    stored_size: tuple[int, int],
    settings: MaskSettings,
    photo: Image.Image | None = None,
) -> Mask:
    """The binary mask of a photo over its stored pixels.

    ``soft`` is upright at proxy size; ``orientation`` is the photo's EXIF orientation; ``stored_size`` is the width
    and height of its stored pixels. Scaled up while soft, thresholded last: so the edge stays smooth. With ``photo``,
    its stored pixels in mode L, the edge is drawn to the photo's own.
    """
    soft = to_stored(soft, orientation)
    region = _region(soft, stored_size, settings)
    if photo is not None:
        binary = refine(soft, photo, region, settings.threshold)
    else:
        binary = _scaled_up(soft, stored_size, region, settings.threshold)
    return Mask(stored_size, region[:2], settings.mend(binary, stored_size[0] * stored_size[1]))


def _scaled_up(
    soft: Image.Image, size: tuple[int, int], region: tuple[int, int, int, int], threshold: int
) -> NDArray[np.uint8]:
    """A soft mask scaled up to ``size`` (width, height) and thresholded: 0 and 255, the part ``region`` of it.

    Only near the edge does it matter how the values between two soft pixels go: tiles that are sure, as far as the
    filter reaches around them, are not scaled. That is what most of the time would go to.
    """
    left, top, right, bottom = region
    columns, rows = size[0] / soft.width, size[1] / soft.height
    binary = np.zeros((bottom - top, right - left), np.uint8)
    kept, unsure = _tiles(np.asarray(soft), threshold)
    for row, (kept_row, unsure_row) in enumerate(zip(kept, unsure, strict=True)):
        upper = max(top, round(row * _TILE * rows))
        lower = min(bottom, round((row + 1) * _TILE * rows))
        if lower <= upper:
            continue
        for first, last in _runs(kept_row):
            begin, end = max(left, round(first * _TILE * columns)), min(right, round(last * _TILE * columns))
            binary[upper - top : lower - top, max(begin - left, 0) : max(end - left, 0)] = 255
        for first, last in _runs(unsure_row):
            begin, end = max(left, round(first * _TILE * columns)), min(right, round(last * _TILE * columns))
            if begin >= end:
                continue
            scaled = soft.resize(
                (end - begin, lower - upper),
                Image.Resampling.BICUBIC,
                box=(begin / columns, upper / rows, min(end / columns, soft.width), min(lower / rows, soft.height)),
            )
            binary[upper - top : lower - top, begin - left : end - left] = np.where(
                np.asarray(scaled) >= threshold, np.uint8(255), np.uint8(0)
            )
    return binary


def _tiles(values: NDArray[np.uint8], threshold: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tiles of a soft mask are kept for sure, and which are not sure: two arrays, a value for each tile."""
    kept = _over_tiles(np.minimum, values) >= 255 - (255 - threshold) * _OVERSHOOT
    left_out = _over_tiles(np.maximum, values) < threshold * _OVERSHOOT
    return kept, ~(kept | left_out)


def _over_tiles(extreme: np.ufunc, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The least or the largest value of every tile and of what the filter reaches around it."""
    height, width = values.shape
    over = np.pad(values, ((_REACH, -height % _TILE + _REACH), (_REACH, -width % _TILE + _REACH)), "edge")
    for axis in (0, 1):
        starts = np.arange(0, over.shape[axis] - 2 * _REACH, _TILE)
        # reduceat takes what lies between two places, of which every second pair is one of ours.
        places = np.stack((starts, starts + _TILE + 2 * _REACH), axis=1).ravel()[:-1]
        over = np.take(extreme.reduceat(over, places, axis=axis), np.arange(0, len(places), 2), axis=axis)
    return over


def _runs(row: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where tiles of a row are set: first and past the last of every run."""
    ends = np.flatnonzero(np.diff(np.concatenate(([False], row, [False]))))
    return [(int(first), int(last)) for first, last in zip(ends[::2], ends[1::2], strict=True)]


def _region(soft: Image.Image, size: tuple[int, int], settings: MaskSettings) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, in a picture of ``size``, of what alone can be kept of a soft mask scaled up to it.

    An object fills half of a photo's area or less: the rest is neither scaled nor looked at.
    """
    possible = np.asarray(soft) >= settings.threshold * _OVERSHOOT
    ends = []
    for axis, length in ((0, size[0]), (1, size[1])):
        places = np.flatnonzero(possible.any(axis=axis))
        if not len(places):
            return 0, 0, 1, 1
        scale = length / possible.shape[1 - axis]
        spare = max(settings.grow, 0)
        ends.append(
            (
                max(0, math.floor((places[0] - _REACH) * scale) - spare),
                min(length, math.ceil((places[-1] + 1 + _REACH) * scale) + spare),
            )
        )
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]
