# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of picture files: what their names promise, and what their first bytes say."""

import stat
from pathlib import Path, PurePath

from . import jpeg_coding, tiff_coding

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"})
"""An MPO begins with the photo as a JPEG; what follows are previews, depth or a second eye."""
PHOTO_SUFFIXES = JPEG_SUFFIXES | {".png", ".tif", ".tiff", ".webp"}
HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw"}
    | {".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
ALL_PHOTO_SUFFIXES = PHOTO_SUFFIXES | HEIC_SUFFIXES | RAW_SUFFIXES
"""Of all that counts as a photo: those that engines read, and those that they get as JPEGs."""
OTHER_SUFFIXES = frozenset(
    {".avif", ".avifs", ".bmp", ".dib", ".exr", ".gif", ".gpr", ".hdr", ".heics", ".heifs", ".insp", ".j2k", ".jfi"}
    | {".jif", ".jp2", ".jpf", ".jps", ".jpx", ".jxl", ".jxr", ".pbm", ".pgm", ".pnm", ".ppm", ".psb", ".psd"}
    | {".tga", ".wdp"}
)
"""Of pictures that nothing here reads."""
VIDEO_SUFFIXES = frozenset(
    {".360", ".3g2", ".3gp", ".asf", ".avi", ".braw", ".crm", ".flv", ".insv", ".lrf", ".lrv", ".m2ts", ".m4v", ".mkv"}
    | {".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".webm", ".wmv"}
)
OWN_SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WebP": ".webp", "HEIC": ".heic"}
"""What a file of a kind that is read should be called."""
_NAMED = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WebP"} | dict.fromkeys(JPEG_SUFFIXES, "JPEG")
_NAMED |= dict.fromkeys(HEIC_SUFFIXES, "HEIC") | dict.fromkeys(RAW_SUFFIXES, "RAW")
_HEAD = 64  # bytes
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
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"%PDF-", "PDF"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"\x1aE\xdf\xa3", "video"),  # Matroska, WebM
)
# Major brands of ISO base media files (ISO 23008-12, B.4; AV1 Image File Format, 6).
_BRANDS = dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "HEIC")
_BRANDS |= dict.fromkeys((b"avif", b"avis"), "AVIF") | {b"crx ": "RAW"}
_BRANDS |= dict.fromkeys((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1"), "video")
_BRANDS |= dict.fromkeys((b"qt  ", b"M4V ", b"MSNV", b"3gp4", b"3gp5"), "video")
_ANY_CODING = frozenset({b"mif1", b"msf1"})
"""Major brands of pictures whose coding only the brands behind them tell."""


def named_kind(name: PurePath) -> str:
    """The kind of a photo by its name, such as JPEG; empty where the name is not a photo's."""
    return _NAMED.get(name.suffix.lower(), "")


def kind_of(path: Path) -> str:
    """The kind of a picture file by its first bytes, such as JPEG; empty where they say nothing. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head[4:8] == b"ftyp":
        brands = head[16 : int.from_bytes(head[:4], "big")]
        pictures = {_BRANDS.get(brands[at : at + 4]) for at in range(0, len(brands), 4)} & {"HEIC", "AVIF"}
        if head[8:12] in _ANY_CODING:
            return "AVIF" if pictures == {"AVIF"} else "HEIC"
        return _BRANDS.get(head[8:12], "")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith(b"BM") and head[6:10] == bytes(4):  # two letters alone may begin anything
        return "BMP"
    return next((kind for mark, kind in _MARKS if head.startswith(mark)), "")


def kind_if_read(path: Path) -> str:
    """The same; empty also where it is no file, at which reading might wait for ever, or cannot be read."""
    try:
        return kind_of(path) if stat.S_ISREG(path.stat().st_mode) else ""
    except OSError:
        return ""


def misnamed(kind: str, path: PurePath) -> str:
    """Why a file of this kind is not read under the name it has, and what to do."""
    if kind == "video":
        return f"is a video named {path.suffix}; save its frames as JPEG or PNG files"
    article = "an" if kind in {"AVIF", "OpenEXR"} else "a"
    if kind in OWN_SUFFIX:
        return f"is {article} {kind} file named {path.suffix}; rename it to {OWN_SUFFIX[kind]}"
    return f"is {article} {kind} file, which is not read; save it as JPEG, PNG or TIFF"


def why_not_read(path: Path, kind: str) -> str:
    """Which coding of its pixels is why a file of this kind is not read, and what to do; empty where it is not that.

    Raises OSError.
    """
    look = {"JPEG": jpeg_coding.why_not_read, "TIFF": tiff_coding.why_not_read}.get(kind)
    return look(path) if look else ""


def why_unknown(path: Path) -> str:
    """Why Pillow does not know what a file that is named as a photo is, and what to do. Raises OSError."""
    kind = kind_of(path)
    if words := why_not_read(path, kind):
        return words
    if kind in {"JPEG", "PNG", "TIFF", "WebP"}:  # which are read under any name
        return f"is a damaged {kind} file; copy it from the camera again"
    if kind:
        return misnamed(kind, path)
    reason = "is not a JPEG, HEIC, PNG, TIFF or WebP picture" if path.stat().st_size else "is empty (0 bytes)"
    return f"{reason}; copy it from the camera again"
