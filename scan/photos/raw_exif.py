# SPDX-License-Identifier: GPL-3.0-or-later
"""EXIF of RAW files.

Most are TIFF files; Canon's CR3 (ISO base media, ISO 14496-12) and Fujifilm's RAF keep it in places of their own.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .exif import TiffTags, block_of_raw
from .metadata import exif_of_jpeg, without_exif

_RAF = b"FUJIFILMCCD-RAW "
_JPEG_OF_RAF = 84  # bytes; there are the place and the length of a JPEG that says all
# The box below moov in which CR3 files keep EXIF (github.com/lclevy/canon_cr3).
_CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_LONGEST_BOX = 16_000_000  # bytes; pixels lie elsewhere


def read_exif(path: Path) -> tuple[bytes, list[str]]:
    """A RAW file's EXIF, and a sentence where it has none that can be read. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(16)
        try:
            if head == _RAF:
                tags = [TiffTags(io.BytesIO(_exif_of_raf(stream)), is_forgiving=True)]
            elif head[4:8] == b"ftyp":
                tags = [TiffTags(io.BytesIO(block), is_forgiving=True) for block in _exif_of_cr3(stream)]
            else:
                tags = [TiffTags(stream, is_forgiving=True)]
            return block_of_raw(tags), []
        except (ValueError, struct.error) as error:
            return b"", [without_exif(error)]


def _exif_of_raf(stream: BinaryIO) -> bytes:
    stream.seek(_JPEG_OF_RAF)
    at, length = struct.unpack(">II", stream.read(8))
    stream.seek(at)
    return exif_of_jpeg(io.BytesIO(stream.read(min(length, _LONGEST_BOX))))


def _exif_of_cr3(stream: BinaryIO) -> list[bytes]:
    """The TIFF blocks with the main directory, that of EXIF and that of GPS, each the main one of its own block."""
    stream.seek(0, io.SEEK_END)
    for kind, at, length in _boxes(stream, 0, stream.tell()):
        if kind == b"moov":
            for inner, begin, size in _boxes(stream, at, length):
                stream.seek(begin)
                if inner == b"uuid" and stream.read(16) == _CANON:
                    found = {name: (place, size) for name, place, size in _boxes(stream, begin + 16, size - 16)}
                    if {b"CMT1", b"CMT2"} <= found.keys():
                        names = (b"CMT1", b"CMT2", b"CMT4")
                        return [_content(stream, *found[name]) for name in names if name in found]
    raise ValueError("no directory of Canon's")


def _boxes(stream: BinaryIO, at: int, length: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and length of what is in each box."""
    end = at + length
    while at + 8 <= end:
        stream.seek(at)
        size, kind = struct.unpack(">I4s", stream.read(8))
        begin = at + 8
        if size == 1:
            (size,) = struct.unpack(">Q", stream.read(8))
            begin += 8
        if size < begin - at:  # 0, "to the end of the file", is of no box before the last
            return
        yield kind, begin, at + size - begin
        at += size


def _content(stream: BinaryIO, at: int, length: int) -> bytes:
    stream.seek(at)
    return stream.read(min(length, _LONGEST_BOX))
