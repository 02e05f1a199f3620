# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture of a whole run: every photo with its mask's outline, failed ones crossed out."""

import io
import math
import threading
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from ..photos.pixels import scaled

_LARGEST_CELL, _MOST_PIXELS = 240, 24_000_000
_GAP = 4
_BACKGROUND, _CELL, _TEXT = (24, 24, 24), (44, 44, 44), (220, 220, 220)
_FAILED = (220, 40, 60)
OUTLINE = (60, 255, 60)
"""Red, green and blue of a mask's edge."""


def outlined(picture: Image.Image, mask: Image.Image, size: int) -> Image.Image:
    """A small copy of an upright RGB picture, its long edge ``size``, with the outline of its mask."""
    scale = min(1.0, size / max(picture.size))
    small = picture.resize(scaled(picture.size, scale), Image.Resampling.BILINEAR, reducing_gap=1.5)
    mask = mask.resize(small.size).point([0] * 128 + [255] * 128)
    edge = ImageChops.difference(mask.filter(ImageFilter.MaxFilter(3)), mask)
    small.paste(OUTLINE, mask=edge)
    return small


class ContactSheet:
    """A grid with a cell for every photo, allocated whole, so that a run's memory does not grow with its photos."""

    def __init__(self, names: Sequence[str]) -> None:
        """``names`` are the photos in their order; one cell each, row by row."""
        self._index = {name: index for index, name in enumerate(names)}
        self._cell = min(_LARGEST_CELL, math.isqrt(_MOST_PIXELS // max(1, len(names))))
        self._columns = math.ceil(math.sqrt(len(names) * 4 / 3))
        rows = math.ceil(len(names) / self._columns)
        self._step = self._cell + _GAP
        self._sheet = Image.new("RGB", (self._columns * self._step + _GAP, rows * self._step + _GAP), _BACKGROUND)
        self._font = ImageFont.load_default(max(8, self._cell // 16))
        self._drawn: set[str] = set()
        self._guard = threading.Lock()

    @property
    def cell_size(self) -> int:
        """The long edge in pixels that a thumbnail gets."""
        return self._cell

    def is_drawn(self, name: str) -> bool:
        """Whether this photo's cell is filled already."""
        return name in self._drawn

    def add(self, name: str, picture: Image.Image, mask: Image.Image) -> None:
        """Fill a cell with an upright RGB picture and the outline of its upright mask, of any size."""
        self._paste(name, outlined(picture, mask, self._cell))

    def add_failed(self, name: str) -> None:
        """Cross out the cell of a photo that failed."""
        cell = Image.new("RGB", (self._cell, self._cell * 3 // 4), _CELL)
        draw = ImageDraw.Draw(cell)
        width, height = cell.size
        draw.line((0, 0, width, height), _FAILED, 3)
        draw.line((0, height, width, 0), _FAILED, 3)
        self._paste(name, cell)

    def encode(self) -> bytes:
        """The sheet as JPEG."""
        buffer = io.BytesIO()
        # Colour at full resolution, or an outline a pixel wide is hardly seen.
        self._sheet.save(buffer, "JPEG", quality=88, subsampling=0)
        return buffer.getvalue()

    def _paste(self, name: str, picture: Image.Image) -> None:
        row, column = divmod(self._index[name], self._columns)
        left, top = column * self._step + _GAP, row * self._step + _GAP
        with self._guard:
            centred = (left + (self._cell - picture.width) // 2, top + (self._cell - picture.height) // 2)
            self._sheet.paste(picture, centred)
            # What the font cannot draw becomes a box; a lone surrogate of a broken file name would raise.
            label = name.encode("utf-8", "replace").decode()
            ImageDraw.Draw(self._sheet).text(
                (left + 3, top + 2), label, _TEXT, self._font, stroke_width=1, stroke_fill=(0, 0, 0)
            )
            self._drawn.add(name)
