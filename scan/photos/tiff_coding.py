# SPDX-License-Identifier: GPL-3.0-or-later
"""How a TIFF's pixels are coded, and which of its pictures is the photo, by its tags alone.

Numbers: TIFF 6.0; Adobe's technical notes; tags registered with Adobe, and those of libtiff's ``tiff.h``.
"""

import struct
from pathlib import Path

from .exif import Directory, TiffTags

_KIND_OF_PICTURE, _IMAGE_WIDTH, _IMAGE_LENGTH, _BITS_PER_SAMPLE = 254, 256, 257, 258
_COMPRESSION, _COLOURS, _SAMPLES_PER_PIXEL, _SAMPLE_FORMAT = 259, 262, 277, 339
_IS_MASK = 4
"""The bit of a picture's kind that says it is a mask."""
_SAMPLE_FORMATS = {2: ", signed", 3: ", floating point", 5: ", complex", 6: ", complex"}
_READ_COMPRESSIONS = frozenset(
    {1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946, 34676, 34677, 34925, 50000}  # those of Pillow's own libtiff
)
_COMPRESSIONS = {
    9: "JBIG",
    10: "JBIG",
    22610: "JPEG XR",
    32766: "NeXT RLE",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34712: "JPEG 2000",
    34713: "a Nikon camera's RAW coding",
    34887: "LERC",
    34892: "lossy DNG",
    34933: "PNG",
    34934: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_UNREAD_COLOURS = {
    4: "is a mask, and no picture",
    9: "has ICC Lab colours, which are not read",
    10: "has ITU Lab colours, which are not read",
    32803: "has RAW pixels, which are not read",
    32844: "has LogL brightness, which is not read",
    32845: "has LogLuv colours, which are not read",
    34892: "has RAW pixels, which are not read",
}
_GREY, _RGB = frozenset({0, 1}), 2


def about_compression(number: int) -> str:
    """Why a TIFF with this compression is not read, and what to do; empty for those that are."""
    if number in _READ_COMPRESSIONS:
        return ""
    named = f"compressed with {_COMPRESSIONS[number]}" if number in _COMPRESSIONS else f"with compression {number}"
    return f"is a TIFF {named}, which is not read; save it as TIFF with LZW or Deflate, or as JPEG"


def why_not_read(path: Path) -> str:
    """Which coding of its pixels is why a TIFF is not read, and what to do; empty where its header is damaged.

    Raises OSError.
    """
    try:
        with path.open("rb") as stream:
            tags = TiffTags(stream, is_forgiving=True)
    except (ValueError, struct.error):
        return ""
    bits = tags.numbers(_BITS_PER_SAMPLE)
    if not bits or not {_IMAGE_WIDTH, _IMAGE_LENGTH} <= tags.main.keys():
        return ""
    if words := about_compression((*tags.numbers(_COMPRESSION), 1)[0]):
        return words
    colours = (*tags.numbers(_COLOURS), -1)[0]
    if colours in _UNREAD_COLOURS:
        return f"{_UNREAD_COLOURS[colours]}; save it as RGB with 8 bits a channel"
    channels = (*tags.numbers(_SAMPLES_PER_PIXEL), len(bits))[0]
    form = _SAMPLE_FORMATS.get((*tags.numbers(_SAMPLE_FORMAT), 1)[0], "")
    said = f"{channels} × {max(bits)} bits{form}"
    if channels == 3 and set(bits) == {8} and not form:  # the advice is what it has, so that something else is wrong
        if colours == _RGB:
            return ""
        said += ", called grey" if colours in _GREY else ", not called RGB"
    return f"is a kind of TIFF that is not read ({said}); save it as RGB with 8 bits a channel"


def about_pictures(path: Path) -> str:
    """Why a TIFF whose first picture is not its largest is not read, and what to do; empty for all others.

    The first is what every program reads, be it a thumbnail. Smaller ones behind it are fine, as are masks. Raises
    OSError.
    """
    try:
        with path.open("rb") as stream:
            tags = TiffTags(stream, is_forgiving=True)
            pictures = [_size(tags, each) for each in (tags.main, *tags.further())]
    except (ValueError, struct.error):
        return ""
    width, height = max(pictures, key=lambda size: size[0] * size[1])
    if width * height <= pictures[0][0] * pictures[0][1]:
        return ""
    return (
        f"holds {len(pictures)} pictures, and the first of them, which programs read, has {pictures[0][0]} × "
        f"{pictures[0][1]} pixels, the largest {width} × {height}; save the largest as a file of its own"
    )


def _size(tags: TiffTags, directory: Directory) -> tuple[int, int]:
    """A picture's width and height; 0 of masks and of what is no picture."""
    if (*tags.numbers(_KIND_OF_PICTURE, directory), 0)[0] & _IS_MASK:
        return 0, 0
    sides = [(*tags.numbers(tag, directory), 0)[0] for tag in (_IMAGE_WIDTH, _IMAGE_LENGTH)]
    return sides[0], sides[1]
