# SPDX-License-Identifier: GPL-3.0-or-later
"""What a photo says of itself, carried into a picture made from it: EXIF, XMP, ICC, IPTC and resolution.

Blocks are carried byte for byte, never read into values and written again: that is how maker notes survive, which
hold offsets that only their maker understands. Between two files of one format their own segments or chunks are carried
as they stand, in their order. Of a TIFF, whose EXIF lies among its pictures, a block is made (see ``exif``).

Not carried, since it tells of the file and not of the photo: the index of further pictures (MPF) and their pixels,
what follows a JPEG's end, APP14 and other notes on how pixels are coded, and seals over the old bytes (C2PA).
Thumbnails inside EXIF are carried with it, and so still show the background: taking them out would move what follows.

Formats: JPEG (ITU T.81 B.1; EXIF 2.32 4.7; XMP part 3, 1.1.3; ICC.1 B.4), PNG (third edition, 11.3).
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from ..common.errors import PhotoError
from .exif import ICC, IPTC, PHOTOSHOP, XMP, TiffTags, essential
from .jpeg_coding import segments
from .photo import cannot_read

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_ICC = b"ICC_PROFILE\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_LONGEST_SEGMENT = 65533  # bytes: two bytes of length count themselves
_ICC_ROOM = _LONGEST_SEGMENT - len(_ICC) - 2
_MOST_ICC_SEGMENTS = 255
_APP0, _APP1, _APP2, _APP13, _COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xFE
# APP11 holds seals (C2PA), APP14 tells how colours are coded: both of the file that was, not of the photo.
_CARRIED_SEGMENTS = frozenset({*range(_APP0, 0xF0), _COMMENT} - {0xEB, 0xEE})

_PNG_BEGIN = b"\x89PNG\r\n\x1a\n"
_PNG_XMP = b"XML:com.adobe.xmp\0"
# Chunks that hold for any PNG of the same photo; not those that depend on its colour type (tRNS, bKGD, sBIT, hIST).
_CARRIED_CHUNKS = frozenset(
    {b"eXIf", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCv", b"mDCV", b"cLLi", b"cLLI", b"pHYs"}
    | {b"iTXt", b"tEXt", b"zTXt", b"tIME"}
)
_LONGEST_CHUNK = 64_000_000  # bytes, also unpacked: a claim of more is a trap
_INCH = 0.0254  # metres


@dataclass(frozen=True)
class Metadata:
    """What a photo says of itself. Empty where it says nothing."""

    exif: bytes = b""
    """A TIFF header and directories, without what a JPEG puts before them."""
    xmp: bytes = b""
    icc: bytes = b""
    photoshop: bytes = b""
    """Photoshop's image resources (8BIM…), among them IPTC."""
    dpi: tuple[float, float] | None = None
    segments: bytes | None = None
    """Of a JPEG: the segments to carry into another, as they stand."""
    chunks: bytes | None = None
    """Of a PNG: likewise its chunks."""
    has_extended_xmp: bool = False
    """Of a JPEG: whether its XMP goes on in further segments, for which no other kind of file has a place."""


def read_metadata(path: Path, image: Image.Image) -> Metadata:
    """What the photo at ``path`` says of itself; ``image`` is that photo, opened. Raises PhotoError."""
    try:
        with path.open("rb") as stream:
            if image.format in {"JPEG", "MPO"}:
                return _of_jpeg(stream)
            if image.format == "PNG":
                return _of_png(stream)
            if image.format == "TIFF":
                return _of_tiff(stream, image)
    except OSError as error:
        raise cannot_read(error) from error
    except (ValueError, struct.error, zlib.error) as error:
        raise PhotoError(f"has metadata that cannot be read ({error}); save it anew in a program of yours") from error
    return Metadata(  # WebP, which Pillow hands over as it is
        exif=bytes(image.info.get("exif", b"")).removeprefix(_EXIF),
        xmp=bytes(image.info.get("xmp", b"")),
        icc=bytes(image.info.get("icc_profile", b"")),
    )


def without_exif(error: Exception) -> str:
    """What is told of a photo whose EXIF cannot be read. It does not fail: it is the pixels that are scanned."""
    return f"its JPEG has no EXIF, since that of the photo cannot be read ({error})"


def exif_of_jpeg(stream: BinaryIO) -> bytes:
    """The EXIF of a JPEG; empty where there is none. Raises ValueError, struct.error."""
    return _of_jpeg(stream).exif


def into_jpeg(jpeg: bytes, metadata: Metadata) -> bytes:
    """A freshly encoded JPEG with the metadata put into it. Raises PhotoError where that does not fit."""
    carried = b"".join(_segments_for(metadata)) if metadata.segments is None else metadata.segments
    pieces = [jpeg[:2], carried]
    at = 2
    while jpeg[at + 1] == _APP0:  # the encoder's own resolution
        at += 2 + struct.unpack_from(">H", jpeg, at + 2)[0]
    pieces.append(jpeg[at:])
    return b"".join(pieces)


def fitted_to_jpeg(metadata: Metadata) -> tuple[Metadata, list[str]]:
    """What of a photo's metadata a JPEG can carry, and in words what stays behind.

    Of EXIF that is too large, what a photogrammetry program starts from is carried all the same.
    """
    too_large = _too_large(metadata)
    fitted = replace(
        metadata,
        exif=essential(metadata.exif) if "exif" in too_large else metadata.exif,
        xmp=b"" if "xmp" in too_large else metadata.xmp,
        icc=b"" if "icc" in too_large else metadata.icc,
    )
    if "exif" in too_large and fitted.exif:
        too_large["exif"] += ", but for camera, focal length and time"
    return fitted, list(too_large.values())


def into_png(png: bytes, metadata: Metadata) -> bytes:
    """A freshly encoded PNG with the metadata put into it, before its pixels."""
    carried = b"".join(_chunks_for(metadata)) if metadata.chunks is None else metadata.chunks
    at = len(_PNG_BEGIN) + 12 + 13  # behind IHDR
    pixels = memoryview(png)  # many megabytes, copied once
    return b"".join((pixels[:at], carried, pixels[at:]))


def _of_jpeg(stream: BinaryIO) -> Metadata:
    carried, exif, xmp, photoshop = bytearray(), b"", b"", b""
    icc: dict[int, bytes] = {}
    dpi, has_extended_xmp = None, False
    for marker, payload in segments(stream):
        if marker not in _CARRIED_SEGMENTS or (marker == _APP2 and not payload.startswith(_ICC)):
            continue
        carried += struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
        if marker == _APP0 and payload.startswith(b"JFIF\0") and len(payload) >= 12:
            unit, across, down = struct.unpack_from(">BHH", payload, 7)
            scale = {1: 1.0, 2: 2.54}.get(unit)
            dpi = (across * scale, down * scale) if scale and across and down else None
        elif marker == _APP1 and payload.startswith(_EXIF):
            # Where 64 KB are not enough, cameras and exiftool go on in the next segment.
            exif += payload[len(_EXIF) :] if not exif or payload[6:8] not in {b"II", b"MM"} else b""
        elif marker == _APP1 and payload.startswith(_XMP):
            xmp = xmp or payload[len(_XMP) :]
        elif marker == _APP1 and payload.startswith(_EXTENDED_XMP):
            has_extended_xmp = True
        elif marker == _APP2 and len(payload) > len(_ICC) + 2:
            icc.setdefault(payload[len(_ICC)], payload[len(_ICC) + 2 :])
        elif marker == _APP13 and payload.startswith(_PHOTOSHOP):
            photoshop += payload[len(_PHOTOSHOP) :]
    profile = b"".join(icc[number] for number in sorted(icc))
    return Metadata(exif, xmp, profile, photoshop, dpi, bytes(carried), has_extended_xmp=has_extended_xmp)


def _of_png(stream: BinaryIO) -> Metadata:
    carried, exif, xmp, icc, photoshop = bytearray(), b"", b"", b"", b""
    dpi = None
    for kind, data, raw in _png_chunks(stream):
        carried += raw
        if kind == b"eXIf":
            exif = data.removeprefix(_EXIF)
        elif kind == b"iCCP":
            icc = _unpacked(data[data.index(b"\0") + 2 :])
        elif kind == b"pHYs" and data[8:9] == b"\1":
            across, down = struct.unpack_from(">II", data)
            dpi = (across * _INCH, down * _INCH)
        elif kind == b"iTXt" and data.startswith(_PNG_XMP):
            packed = data[len(_PNG_XMP) : len(_PNG_XMP) + 1]
            _language, _keyword, xmp = data[len(_PNG_XMP) + 2 :].split(b"\0", 2)
            xmp = xmp if packed == b"\0" else _unpacked(xmp)
        elif kind in {b"tEXt", b"zTXt"} and data.startswith(b"Raw profile type "):
            # What ImageMagick wrote before there was eXIf, and still does for IPTC.
            keyword, text = data.split(b"\0", 1)
            text = _unpacked(text[1:]) if kind == b"zTXt" else text
            block = bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
            if keyword.endswith((b" exif", b" APP1")):
                exif = exif or (block.removeprefix(_EXIF) if not block.startswith(_XMP) else b"")
            elif keyword.endswith((b" iptc", b" 8bim")):
                photoshop = photoshop or block
    return Metadata(exif, xmp, icc, photoshop, dpi, chunks=bytes(carried))


def _png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The chunks of a PNG that can be carried: kind, data, and the whole with length and checksum."""
    stream.seek(len(_PNG_BEGIN))
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind not in _CARRIED_CHUNKS:
            stream.seek(length + 4, 1)
            continue
        if length > _LONGEST_CHUNK:
            raise ValueError(f"a chunk of {length} bytes")
        data, checksum = stream.read(length), stream.read(4)
        if len(checksum) != 4:
            raise ValueError("a chunk that lies outside the file")
        yield kind, data, head + data + checksum


def _unpacked(content: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(content, _LONGEST_CHUNK)
    if unpacking.unconsumed_tail:
        raise ValueError("a chunk that unpacks without end")
    return unpacked


def _of_tiff(stream: BinaryIO, image: Image.Image) -> Metadata:
    tags = TiffTags(stream)
    blocks = {tag: tags.main[tag].value for tag in (XMP, ICC, PHOTOSHOP, IPTC) if tag in tags.main}
    photoshop = blocks.get(PHOTOSHOP, b"")
    if not photoshop and (iptc := blocks.get(IPTC)):
        # A resource: its mark, its number (0x0404, IPTC), an empty name, its length, and what fills it to even.
        photoshop = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + bytes(len(iptc) % 2)
    dpi = image.info.get("dpi")
    is_sane = dpi is not None and all(1 <= float(value) <= 1_000_000 for value in dpi)
    return Metadata(
        tags.block(),
        blocks.get(XMP, b""),
        blocks.get(ICC, b""),
        photoshop,
        (float(dpi[0]), float(dpi[1])) if dpi is not None and is_sane else None,
    )


def _segments_for(metadata: Metadata) -> Iterator[bytes]:
    """The segments of a JPEG from a photo that was none."""
    across, down = (min(65535, max(1, round(value))) for value in metadata.dpi or (1, 1))
    yield _segment(_APP0, b"JFIF\0", struct.pack(">HBHHBB", 0x0101, metadata.dpi is not None, across, down, 0, 0))
    for words in _too_large(metadata).values():
        raise PhotoError(f"has {words}; use its mask, or PNG cutouts where it has 8 bits a channel")
    if metadata.exif:
        yield _segment(_APP1, _EXIF, metadata.exif)
    if metadata.xmp:
        yield _segment(_APP1, _XMP, metadata.xmp)
    parts = [metadata.icc[at : at + _ICC_ROOM] for at in range(0, len(metadata.icc), _ICC_ROOM)]
    for number, part in enumerate(parts, 1):
        yield _segment(_APP2, _ICC, bytes((number, len(parts))) + part)
    room = _LONGEST_SEGMENT - len(_PHOTOSHOP)
    for at in range(0, len(metadata.photoshop), room):
        yield _segment(_APP13, _PHOTOSHOP, metadata.photoshop[at : at + room])


def _too_large(metadata: Metadata) -> dict[str, str]:
    """The blocks of a photo that was no JPEG and that no JPEG takes: field → how large it is."""
    limits = {
        "exif": (_LONGEST_SEGMENT - len(_EXIF), "of EXIF, more than a JPEG takes (64 KB)"),
        "xmp": (_LONGEST_SEGMENT - len(_XMP), "of XMP, more than a JPEG takes (64 KB)"),
        "icc": (_MOST_ICC_SEGMENTS * _ICC_ROOM, "of colour profile, more than a JPEG takes (16 MB)"),
    }
    sizes = {name: len(getattr(metadata, name)) for name in limits}
    return {name: f"{sizes[name] // 1024} KB {words}" for name, (most, words) in limits.items() if sizes[name] > most}


def _segment(marker: int, begin: bytes, rest: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(begin) + len(rest)) + begin + rest


def _chunks_for(metadata: Metadata) -> Iterator[bytes]:
    """The chunks of a PNG from a photo that was none. Extended XMP, which only JPEGs have, stays behind."""
    if metadata.icc:
        yield _chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dpi is not None:
        yield _chunk(b"pHYs", struct.pack(">IIB", *(round(value / _INCH) for value in metadata.dpi), 1))
    if metadata.exif:
        yield _chunk(b"eXIf", metadata.exif)
    if metadata.xmp:
        yield _chunk(b"iTXt", _PNG_XMP + b"\0\0\0\0" + metadata.xmp)
    if metadata.photoshop:
        words = metadata.photoshop.hex()
        lines = "\n".join(words[at : at + 72] for at in range(0, len(words), 72))
        profile = f"\niptc\n{len(metadata.photoshop):8}\n{lines}\n".encode("ascii")
        yield _chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(profile))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
