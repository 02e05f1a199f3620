# SPDX-License-Identifier: GPL-3.0-or-later
"""HEIC and HEIF photos as JPEGs: most phones write HEIC, and no photogrammetry program reads it.

They are decoded with ``pi-heif`` (which carries a decoder only), and written as upright JPEGs that carry their EXIF,
XMP and colour profile.
"""

import re

import numpy as np
from PIL import Image

from ..common.errors import PhotoError
from .decoding import decode, encode_jpeg, refuse_another_kind, upright_exif
from .metadata import Metadata
from .photo import Photo
from .pixels import NO_MEMORY

_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>))[2-8]""")


def make_jpeg(photo: Photo) -> tuple[bytes, list[str]]:
    """A HEIC photo as an upright JPEG with its metadata, and sentences on what of that it lacks. Raises PhotoError.

    Its EXIF has the orientation 1 and the JPEG's width and height, since libheif turns the pixels upright by the
    container's own marks (irot, imir), which rule where EXIF says otherwise (ISO 23008-12, 6.5.10 and A.2.1).
    """
    refuse_another_kind(photo, {"HEIC"})
    decoded = decode(photo, "HEIC")
    blocks = decoded.blocks
    try:
        picture = _eight_bit(decoded.picture)
    except MemoryError as error:
        raise PhotoError(NO_MEMORY) from error
    exif, left_behind = upright_exif(blocks["exif"].removeprefix(b"Exif\0\0"), picture.size)
    metadata = Metadata(exif, _XMP_ORIENTATION.sub(rb"\g<1>1", blocks["xmp"]), blocks["icc"])
    jpeg, too_large = encode_jpeg(picture, decoded.chroma, metadata)
    return jpeg, left_behind + too_large


def _eight_bit(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):  # grey of 10 bits or more; colours come with 8
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture if picture.mode in {"RGB", "L"} else picture.convert("RGB")
