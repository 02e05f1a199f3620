# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks as PNG, written without Pillow: Blender's own process, which must not load it, writes painted masks."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_BAND = 64  # rows at a time: what fits into a processor's cache


def encode_mask(size: tuple[int, int], corner: tuple[int, int], part: NDArray[np.uint8]) -> bytes:
    """An 8-bit, one-channel PNG of ``size`` (width, height): ``part`` at ``corner`` (column, row), 0 all around it.

    Pillow tries five filters on every row, that all leave two values in long stretches as they are: that takes half as
    long again as this.
    """
    width, height = size
    left, top = corner
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    packed = []
    band = np.zeros((_BAND, width + 1), np.uint8)  # each row begins with its filter, 0: none
    for begin in range(0, height, _BAND):
        first, last = (min(max(top + place - begin, 0), _BAND) for place in (0, part.shape[0]))
        band[:first] = band[last:] = 0
        band[first:last, left + 1 : left + 1 + part.shape[1]] = part[begin + first - top : begin + last - top]
        packed.append(packer.compress(band[: height - begin].data))
    packed.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits, grey
    chunks = ((b"IHDR", header), (b"IDAT", b"".join(packed)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
