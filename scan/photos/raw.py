# SPDX-License-Identifier: GPL-3.0-or-later
"""RAW photos, developed by LibRaw (through ``rawpy``) and written as upright JPEGs that carry their EXIF.

All photos are developed alike: with the white balance that the camera noted, in sRGB, white where the sensor was full.
Nothing is cropped, sharpened or freed of the lens's distortion, which the engine measures. A JPEG of high quality has
what photogrammetry programs look at, 8 bits a channel, and is read by all of them.
"""

import re

from ..common.errors import PhotoError
from .decoding import decode, encode_jpeg, refuse_another_kind, upright_exif
from .metadata import Metadata
from .photo import Photo, cannot_read
from .raw_exif import read_exif

# What LibRaw's default handler (src/utils/utils_dcraw.cpp, default_data_callback) prints of damage that it survives.
_DAMAGE = re.compile(r"unexpected end of file|data corrupted", re.IGNORECASE)


def make_jpeg(photo: Photo) -> tuple[bytes, list[str]]:
    """A RAW photo as an upright JPEG with its EXIF, and sentences on what of that it lacks. Raises PhotoError."""
    refuse_another_kind(photo, {"TIFF"})  # which most RAW files are
    decoded = decode(photo, "RAW")
    if damage := _DAMAGE.search(decoded.said):
        raise PhotoError(
            f"is damaged, or packed in a way that LibRaw does not know ({damage[0].lower()}); copy it from the camera "
            "again, or export it as JPEG or TIFF beside it"
        )
    if not decoded.picture.getbbox():  # what LibRaw makes of a packed file that ends before its pixels
        raise PhotoError("is damaged (it is all black); copy it from the camera again")
    try:
        exif, left_behind = read_exif(photo.path)
    except OSError as error:
        raise cannot_read(error) from error
    exif, unread = upright_exif(exif, decoded.picture.size)
    jpeg, too_large = encode_jpeg(decoded.picture, decoded.chroma, Metadata(exif))
    return jpeg, [*left_behind, *unread, *too_large]
