# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture files that went wrong: cut short, bits flipped, with headers and EXIF that lie."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator

# Sizes that headers claim: none, odd ones, the largest of a format, and (squared) the most megapixels that are read.
_LIES = (0, 1, 2, 7, 255, 4096, 15800, 16383, 32767, 65500, 65535)
_PNG_BEGIN = 8  # bytes of signature

Chance = random.Random
"""Also Hypothesis' own, which can tell the least damage that does harm."""
Mutation = Callable[[bytes, Chance], bytes]


def mutated(content: bytes, chance: Chance) -> bytes:
    """The file gone wrong in one way, sometimes in two."""
    for _ in range(1 if chance.random() < 0.7 else 2):
        kind = next((name for name, begin in _BEGINNINGS.items() if content.startswith(begin)), "")
        content = chance.choice(_ANY + _OF_FORMAT.get(kind, ()))(content, chance)
    return content


def _cut(content: bytes, chance: Chance) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _flip(content: bytes, chance: Chance) -> bytes:
    return _flipped(content, chance, 0, len(content))


def _flip_head(content: bytes, chance: Chance) -> bytes:
    return _flipped(content, chance, 0, min(len(content), 400))


def _flipped(content: bytes, chance: Chance, begin: int, end: int) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 3, 30)) if end > begin else 0):
        damaged[chance.randrange(begin, end)] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _overwrite(content: bytes, chance: Chance) -> bytes:
    begin, length = chance.randrange(len(content) + 1), chance.choice((2, 4, 64, 1000))
    filling = chance.choice((b"\0", b"\xff", b"\x7f", b"\x80"))
    return content[:begin] + filling * len(content[begin : begin + length]) + content[begin + length :]


def _remove(content: bytes, chance: Chance) -> bytes:
    begin, length = chance.randrange(len(content) + 1), chance.choice((1, 2, 16, 500))
    return content[:begin] + content[begin + length :]


def _repeat(content: bytes, chance: Chance) -> bytes:
    begin, length = chance.randrange(len(content) + 1), chance.choice((1, 20, 800))
    return content[: begin + length] + content[begin:]


_ANY: tuple[Mutation, ...] = (_cut, _flip, _flip_head, _overwrite, _remove, _repeat)


def _lie_of_jpeg_size(content: bytes, chance: Chance) -> bytes:
    """Another height or width in the frame header (SOF: length, precision, height, width)."""
    for marker, begin, _ in _segments(content):
        if 0xC0 <= marker <= 0xC2:
            at = begin + 1 + chance.choice((0, 2))
            return content[:at] + struct.pack(">H", chance.choice(_LIES)) + content[at + 2 :]
    return content


def _lie_in_jpeg_segment(content: bytes, chance: Chance) -> bytes:
    """Bits of one segment before the pixels: EXIF, profile, tables, frame header."""
    found = list(_segments(content))
    if not found:
        return content
    _, begin, end = chance.choice(found)
    return _flipped(content, chance, begin, end)


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, and where its content begins and ends, up to the pixels."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        length = struct.unpack(">H", content[at + 2 : at + 4])[0]
        yield content[at + 1], at + 4, min(at + 2 + length, len(content))
        at += 2 + length


def _lie_in_png_chunk(content: bytes, chance: Chance) -> bytes:
    """Bits of one chunk, its checksum repaired, so that the damage reaches the decoder."""
    found = list(_chunks(content))
    if not found:
        return content
    begin, end = chance.choice(found)
    damaged = _flipped(content[begin:end], chance, 0, end - begin)
    if content[begin - 4 : begin] == b"IHDR" and chance.random() < 0.5:
        at = chance.choice((0, 4))
        damaged = content[begin : begin + at] + struct.pack(">I", chance.choice(_LIES)) + content[begin + at + 4 : end]
    return _with_chunk(content, begin, end, damaged)


def _lie_in_png_pixels(content: bytes, chance: Chance) -> bytes:
    """Bits of the unpacked rows, packed again: filters that there are not, too few rows or too many."""
    for begin, end in _chunks(content):
        if content[begin - 4 : begin] == b"IDAT":
            try:
                rows = zlib.decompress(content[begin:end])
            except zlib.error:
                return content
            return _with_chunk(content, begin, end, zlib.compress(chance.choice(_ANY)(rows, chance)))
    return content


def _with_chunk(content: bytes, begin: int, end: int, data: bytes) -> bytes:
    kind = content[begin - 4 : begin]
    checked = struct.pack(">I", zlib.crc32(kind + data))
    return content[: begin - 8] + struct.pack(">I", len(data)) + kind + data + checked + content[end + 4 :]


def _chunks(content: bytes) -> Iterator[tuple[int, int]]:
    """Where each chunk's data begins and ends."""
    at = _PNG_BEGIN
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        if at + 12 + length > len(content):
            return
        yield at + 8, at + 8 + length
        at += 12 + length


def _lie_in_tiff_tag(content: bytes, chance: Chance) -> bytes:
    """Another type, count or value of one tag of the first directory."""
    order = "<" if content[:2] == b"II" else ">"
    (at,) = struct.unpack(order + "I", content[4:8].ljust(4, b"\0"))
    (count,) = struct.unpack(order + "H", content[at : at + 2].ljust(2, b"\0"))
    tag = at + 2 + 12 * chance.randrange(max(1, min(count, 40)))
    part, lies = chance.choice(((2, "H"), (4, "I"), (8, "I"), (8, "H")))
    lie = struct.pack(order + lies, chance.choice((*_LIES, at, len(content))) & (0xFFFF if lies == "H" else 0xFFFFFFFF))
    return content[: tag + part] + lie + content[tag + part + len(lie) :]


def _lie_in_riff_chunk(content: bytes, chance: Chance) -> bytes:
    """Bits of the first bytes of one chunk of a WebP, where sizes and flags are, or of its length."""
    at, places = 12, []
    while at + 8 <= len(content):
        (length,) = struct.unpack("<I", content[at + 4 : at + 8])
        places += [(at + 4, at + 8), (at + 8, min(at + 24, len(content)))]
        at += 8 + length + length % 2
    return _flipped(content, chance, *chance.choice(places)) if places else content


def _lie_in_heif_box(content: bytes, chance: Chance) -> bytes:
    """Bits of the boxes before the pixels: sizes, properties, places of items."""
    return _flipped(content, chance, 0, max(1, content.find(b"mdat")))


_BEGINNINGS = {
    "JPEG": b"\xff\xd8",
    "PNG": b"\x89PNG",
    "II": b"II*\0",
    "MM": b"MM\0*",
    "RIFF": b"RIFF",
    "HEIF": b"\0\0\0",
}
_OF_FORMAT: dict[str, tuple[Mutation, ...]] = {
    "JPEG": (_lie_of_jpeg_size, _lie_in_jpeg_segment, _lie_in_jpeg_segment),
    "PNG": (_lie_in_png_chunk, _lie_in_png_chunk, _lie_in_png_pixels),
    "II": (_lie_in_tiff_tag, _lie_in_tiff_tag, _lie_in_tiff_tag),
    "MM": (_lie_in_tiff_tag, _lie_in_tiff_tag, _lie_in_tiff_tag),
    "RIFF": (_lie_in_riff_chunk, _lie_in_riff_chunk),
    "HEIF": (_lie_in_heif_box, _lie_in_heif_box),
}
