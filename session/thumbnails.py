# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures that panels show, in memory: nothing is read from disk while Blender draws."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import bpy
import numpy as np
from bpy.utils import previews

from ..scan.job.progress import LATEST

_collection: previews.ImagePreviewCollection | None = None


class Gallery:
    """The last so many pictures. Their places in Blender are used again, so that an icon on screen is never gone."""

    def __init__(self, name: str, size: int, *, square: bool = False) -> None:
        """``square`` pictures are cut to their middle: a panel has square places for them."""
        self.size = size
        self._square = square
        self._name = name
        self._next = 0
        self._shown: deque[bpy.types.ImagePreview] = deque(maxlen=size)

    def add(self, file: Path) -> None:
        """Take in a picture, as ``scan.review.thumbnails`` writes them; one that cannot be read is left out."""
        try:
            pixels = np.load(file)[::-1]  # Blender has the lowest row first
        except (OSError, ValueError):
            return
        height, width, _ = pixels.shape
        if self._square:
            edge = min(height, width)
            top, left = (height - edge) // 2, (width - edge) // 2
            pixels = pixels[top : top + edge, left : left + edge]
        preview = _place(f"{self._name} {self._next % self.size}")
        self._next += 1
        preview.image_size = pixels.shape[1::-1]
        values = np.ascontiguousarray(pixels).view(np.int32).ravel()
        preview.image_pixels.foreach_set(cast("Sequence[int]", values))  # a buffer does as well, and faster
        self._shown.append(preview)

    def icons(self) -> list[int]:
        """The icon of each, oldest first."""
        return [preview.icon_id for preview in self._shown]

    def clear(self) -> None:
        """Show none of them any more."""
        self._shown.clear()


latest = Gallery("latest", LATEST)
"""The photos that the running job has done last."""
surveyed = Gallery("surveyed", 8, square=True)
"""Some of those in the photo folder."""


def _place(name: str) -> bpy.types.ImagePreview:
    global _collection  # noqa: PLW0603 - made when it is needed first
    if _collection is None:
        _collection = previews.new()
    return _collection[name] if name in _collection else _collection.new(name)


def unregister() -> None:
    """Give all of them back."""
    global _collection  # noqa: PLW0603
    for gallery in (latest, surveyed):
        gallery.clear()
    if _collection is not None:
        previews.remove(_collection)
        _collection = None
