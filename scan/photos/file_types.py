# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of picture files: what their names promise, and what their first bytes say."""

import struct
from pathlib import Path, PurePath

from .exif import TiffTags

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"})
"""An MPO begins with the photo as a JPEG; what follows are previews, depth or a second eye."""
PHOTO_SUFFIXES = JPEG_SUFFIXES | {".png", ".tif", ".tiff", ".webp"}
HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw"}
    | {".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
OTHER_SUFFIXES = frozenset(
    {".avif", ".avifs", ".bmp", ".dib", ".exr", ".gif", ".gpr", ".hdr", ".heics", ".heifs", ".insp", ".j2k", ".jfi"}
    | {".jif", ".jp2", ".jpf", ".jps", ".jpx", ".jxl", ".jxr", ".pbm", ".pgm", ".pnm", ".ppm", ".psb", ".psd"}
    | {".tga", ".wdp"}
)
"""Of pictures that nothing here reads."""

# What a file of a kind that is read should be called.
_OWN_SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WebP": ".webp", "HEIC": ".heic"}
_HEAD = 32  # bytes
_MARKS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF8", "GIF"),
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
)
# Major brands of ISO base media files (ISO 23008-12, B.4; AV1 Image File Format, 6).
_BRANDS = dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "HEIC")
_BRANDS |= dict.fromkeys((b"mif1", b"msf1"), "HEIC") | dict.fromkeys((b"avif", b"avis"), "AVIF")

_IMAGE_WIDTH, _IMAGE_LENGTH, _BITS_PER_SAMPLE, _SAMPLES_PER_PIXEL, _SAMPLE_FORMAT = 256, 257, 258, 277, 339
_SAMPLE_FORMATS = {2: ", signed", 3: ", floating point", 5: ", complex", 6: ", complex"}


def kind_of(path: Path) -> str:
    """The kind of a picture file by its first bytes, such as JPEG; empty where they say nothing. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith(b"BM") and head[6:10] == bytes(4):  # two letters alone may begin anything
        return "BMP"
    return next((kind for mark, kind in _MARKS if head.startswith(mark)), "")


def misnamed(kind: str, path: PurePath) -> str:
    """Why a file of this kind is not read under the name it has, and what to do."""
    article = "an" if kind == "AVIF" else "a"
    if kind in _OWN_SUFFIX:
        return f"is {article} {kind} file named {path.suffix}; rename it to {_OWN_SUFFIX[kind]}"
    return f"is {article} {kind} file, which is not read; save it as JPEG, PNG or TIFF"


def why_unknown(path: Path) -> str:
    """Why Pillow does not know what a file that is named as a photo is, and what to do. Raises OSError."""
    kind = kind_of(path)
    if kind == "TIFF" and (coding := _coding_of_tiff(path)):
        return f"is a kind of TIFF that is not read ({coding}); save it as RGB with 8 bits a channel"
    if kind in {"JPEG", "PNG", "TIFF", "WebP"}:  # which are read under any name
        return f"is a damaged {kind} file; copy it from the camera again"
    if kind:
        return misnamed(kind, path)
    reason = "is not a JPEG, HEIC, PNG, TIFF or WebP picture" if path.stat().st_size else "is empty (0 bytes)"
    return f"{reason}; copy it from the camera again"


def _coding_of_tiff(path: Path) -> str:
    """How a TIFF's pixels are coded, such as "3 × 32 bits, floating point"; empty where its header is damaged."""
    try:
        with path.open("rb") as stream:
            tags = TiffTags(stream, is_forgiving=True)
        if not {_IMAGE_WIDTH, _IMAGE_LENGTH, _BITS_PER_SAMPLE} <= tags.main.keys():
            return ""
        bits = tags.numbers(_BITS_PER_SAMPLE)
        channels = (*tags.numbers(_SAMPLES_PER_PIXEL), len(bits))[0]
        form = (*tags.numbers(_SAMPLE_FORMAT), 1)[0]
    except (ValueError, struct.error):
        return ""
    return f"{channels} × {max(bits)} bits{_SAMPLE_FORMATS.get(form, '')}" if bits else ""
