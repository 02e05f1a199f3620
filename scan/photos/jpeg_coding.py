# SPDX-License-Identifier: GPL-3.0-or-later
"""How a JPEG's pixels are coded, by its markers alone (ITU T.81, table B.1; JPEG-LS: T.87, C.1.1)."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

END = b"\xff\xd9"
_BEGIN = b"\xff\xd8\xff"
_PIXELS = 0xDA
# Markers of frames, and those of them that no decoder here knows.
_JPEG_LS = 0xF7
_FRAMES = frozenset({*range(0xC0, 0xD0), _JPEG_LS} - {0xC4, 0xC8, 0xCC})
_UNREAD = dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical") | {0xCB: "lossless arithmetic"}
_PIECE = 64 << 10  # bytes
_BITS = 8
_CHANNELS = frozenset({1, 3, 4})
_INSTEAD = "save it as a usual JPEG, with 8 bits a channel, or as PNG or TIFF"


def segments(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The segments before a JPEG's pixels: marker and what is in them. The stream is left where the pixels begin.

    Raises ValueError and struct.error where they are damaged.
    """
    stream.seek(2)
    while True:
        if stream.read(1) != b"\xff":
            raise ValueError("a segment that does not begin as one")
        marker = b"\xff"
        while marker == b"\xff":
            marker = stream.read(1)
        if marker in {b"", bytes((_PIXELS,)), END[1:]}:
            return
        (length,) = struct.unpack(">H", stream.read(2))
        payload = stream.read(max(0, length - 2))
        if len(payload) != length - 2:
            raise ValueError("a segment that lies outside the file")
        yield marker[0], payload


def why_not_read(path: Path) -> str:
    """Which coding of its pixels is why a JPEG is not read, and what to do; empty where another reason is.

    Raises OSError.
    """
    try:
        with path.open("rb") as stream:
            marker, frame = next(each for each in segments(stream) if each[0] in _FRAMES)
        bits, _height, _width, channels = struct.unpack_from(">BHHB", frame)
    except (ValueError, struct.error, StopIteration):
        return ""
    if marker == _JPEG_LS:
        return "is a JPEG-LS file, which is not read; save it as JPEG, PNG or TIFF"
    if kind := _UNREAD.get(marker):
        return f"is a {kind} JPEG, which is not read; {_INSTEAD}"
    if bits != _BITS:
        return f"is a JPEG with {bits} bits a channel, which is not read; {_INSTEAD}"
    return "" if channels in _CHANNELS else f"is a JPEG with {channels} channels, which is not read; {_INSTEAD}"


def lacks_its_end(path: Path) -> bool:
    """Whether a JPEG's pixels go on to the end of its file, without the marker that ends them.

    False for whatever else begins as no JPEG does. What follows the marker, such as a phone's film, does not matter.
    Raises OSError.
    """
    with path.open("rb") as stream:
        if stream.read(len(_BEGIN)) != _BEGIN:
            return False
        stream.seek(-len(END), 2)
        if stream.read() == END:  # nearly always, and all that is looked at then
            return False
        end = stream.tell()
        try:
            for _ in segments(stream):
                pass
        except (ValueError, struct.error):
            return False
        begin = stream.tell()
        # Among pixels these two bytes are nothing else (T.81, B.1.1.5). What follows them may be far larger than they
        # are, and its bytes are of any kind: from the end, two such are soon found.
        while begin < end:
            at = max(begin, end - _PIECE)
            stream.seek(at)
            if END in stream.read(end - at + len(END) - 1):  # and those of which one is in this piece
                return False
            end = at
        return True
