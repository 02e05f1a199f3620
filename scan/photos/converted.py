# SPDX-License-Identifier: GPL-3.0-or-later
"""The JPEGs of photos that no engine reads, HEIC and RAW: written once, into the job's own folder.

From then on, that JPEG is the photo: its mask fits it, and every program gets both.
"""

import errno
import os

from ..common.errors import PhotoError
from ..common.files import cannot_write, write_atomically
from . import heic, raw
from .photo import NAME_TOO_LONG, RAW_NOT_DEVELOPED, Photo

# Nanoseconds to which file systems round times: none, NTFS, exFAT, many a share, FAT.
_TIME_STEPS = (1, 100, 10_000_000, 1_000_000_000, 2_000_000_000)

# Such a photo is decoded whole, and how large it is only the decoder knows: a phone's, at its usual setting; and
# a usual camera's.
_PIXELS_OF_HEIC, _PIXELS_OF_RAW = 13_000_000, 24_000_000


def as_jpeg(photo: Photo, warnings: list[str] | None = None, *, develop_raw: bool = False) -> Photo:
    """Returns the JPEG of a HEIC or RAW photo, written unless it is there and as old as the photo.

    Of a RAW photo it is written only where ``develop_raw`` says so; one that is there counts all the same. Sentences on
    what of the photo's metadata a JPEG that is written now leaves behind are added to ``warnings``. Raises PhotoError,
    and OutputError where the JPEG cannot be written.
    """
    jpeg = photo.jpeg
    if not is_converted(photo):
        if photo.is_raw and not develop_raw:
            raise PhotoError(RAW_NOT_DEVELOPED)
        _, modified = photo.file_stamp()
        content, left_behind = (raw if photo.is_raw else heic).make_jpeg(photo)
        try:
            write_atomically(jpeg.path, content)
            # The time of the photo is also the mark that it was written to the end, and makes its stamp last.
            os.utime(jpeg.path, ns=(modified, modified))
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise PhotoError(NAME_TOO_LONG) from error
            raise cannot_write(photo.converted or jpeg.path, error) from error
        if warnings is not None:
            warnings += left_behind
    return jpeg


def is_converted(photo: Photo) -> bool:
    """Returns whether the JPEG of a HEIC or RAW photo is there, and as old as the photo. Raises PhotoError."""
    _, modified = photo.file_stamp()
    try:
        kept = photo.jpeg.path.stat().st_mtime_ns
    except OSError:
        return False
    return any(kept % step == 0 and abs(kept - modified) < step for step in _TIME_STEPS)


def pixels_to_convert(photo: Photo) -> int:
    """Returns how many pixels are held, as far as can be told, while a HEIC or RAW photo is made a JPEG."""
    return _PIXELS_OF_RAW if photo.is_raw else _PIXELS_OF_HEIC
