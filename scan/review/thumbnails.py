# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures for Blender's panels.

As numpy's ``.npy`` files of height × width × RGBA: Blender takes them into memory as they are, in a tenth of a
millisecond. Its own way to load a preview would have a picture decoded while it is drawn, and leave a copy in the
user's folder of thumbnails for each.
"""

import contextlib
import io
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from ..common.files import write_atomically
from ..job.progress import LATEST
from .contact_sheet import outlined

SIZE = 128
"""Long edge in pixels."""
_AROUND = 1.15  # times the size of what the mask keeps
_APART = 2.0  # seconds, so that it costs neither the run nor who watches it much


def write_thumbnail(file: Path, picture: Image.Image) -> None:
    """Write a picture, which is not made smaller. Raises OSError."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(picture.convert("RGBA")))
    write_atomically(file, buffer.getvalue())


class LatestThumbnails:
    """The last photos of a run with their masks' outlines, for whoever watches: a few files that take turns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._next = 0.0
        self._guard = threading.Lock()

    def add(self, picture: Image.Image, mask: Image.Image) -> str | None:
        """Write what the mask keeps of an upright RGB picture, with its outline, and return the file's name.

        None, where the one before is too fresh or there is no room: nothing depends on it.
        """
        with self._guard:
            now = time.monotonic()
            if now < self._next:
                return None
            self._next = now + _APART
            name = f"{self._number % LATEST}.npy"
            self._number += 1
        with contextlib.suppress(OSError):
            write_thumbnail(self._folder / name, _closer(picture, mask))
            return name
        return None


def _closer(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """The square around all that an upright mask keeps, a little wider, as far as the picture goes."""
    left, top, right, bottom = mask.getbbox() or (0, 0, *mask.size)
    half = max(right - left, bottom - top) * _AROUND / 2
    across, down = (left + right) / 2, (top + bottom) / 2
    # In shares of the picture, since the mask is smaller.
    edges = [
        (across - half) / mask.width,
        (down - half) / mask.height,
        (across + half) / mask.width,
        (down + half) / mask.height,
    ]
    box = [min(max(edge, 0.0), 1.0) for edge in edges]
    return outlined(_crop(picture, box), _crop(mask, box), SIZE)


def _crop(picture: Image.Image, box: list[float]) -> Image.Image:
    left, top, right, bottom = (round(edge * size) for edge, size in zip(box, picture.size * 2, strict=True))
    return picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
