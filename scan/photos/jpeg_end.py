# SPDX-License-Identifier: GPL-3.0-or-later
"""JPEGs that lack the marker at their end: read where all of their pixels are there.

Some cameras leave it out, and programs that recover files from a memory card lose it. COLMAP and Blender read such
files as if nothing were missing; they do so of files that were cut short as well, whose last rows are then grey.
"""

import io
from pathlib import Path

from PIL import Image

from ..common.errors import PhotoError
from .jpeg_coding import END

_OTHER_PIXELS = b"\x55" * 64
_KEPT_ZEROS = 2
"""Of the zeros that a recovered file is filled up with: one may be the last byte of the pixels, stuffed or not."""


def with_its_end(path: Path) -> bytes:
    """A JPEG that lacks its end marker, with one.

    Whether pixels are missing is told by what is made of other bytes in their place: where all are there, nothing.
    Raises PhotoError where some are missing; OSError, and what else Pillow raises, where it is damaged.
    """
    content = path.read_bytes()
    content = content[: len(content.rstrip(b"\0")) + _KEPT_ZEROS].removesuffix(END[:1])
    whole = content + END
    if _pixels(whole) != _pixels(content + _OTHER_PIXELS + END):
        raise PhotoError("cannot be decoded (it was cut short, and lacks its last rows); copy it from the camera again")
    return whole


def _pixels(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        return image.tobytes()
