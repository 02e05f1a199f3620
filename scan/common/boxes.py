# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a picture, and how a large one is worked on in bands."""

from collections.abc import Iterator
from typing import TypeAlias

from PIL import Image

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, the latter two not included."""

# Rows at a time: little memory, and few enough for the filters' starts not to count. Whole squares of what is bled.
_BAND = 256


def bands(box: Box) -> Iterator[Box]:
    """``box`` cut into bands, from top to bottom."""
    left, top, right, bottom = box
    for begin in range(top, bottom, _BAND):
        yield left, begin, right, min(begin + _BAND, bottom)


def grown(box: Box, size: tuple[int, int], by: int) -> Box:
    """``box`` grown on all sides, within a picture of ``size`` (width, height)."""
    return max(0, box[0] - by), max(0, box[1] - by), min(size[0], box[2] + by), min(size[1], box[3] + by)


def inner(picture: Image.Image, around: Box, box: Box) -> Image.Image:
    """What is in ``box`` of a picture that shows what is in ``around``."""
    left, top = around[:2]
    return picture.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
