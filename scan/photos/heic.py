# SPDX-License-Identifier: GPL-3.0-or-later
"""HEIC and HEIF photos, handed over as JPEGs.

Most phones write HEIC and no photogrammetry program reads it. So such a photo is decoded once, with ``pi-heif`` (which
carries a decoder only), and written as an upright JPEG that carries its EXIF, XMP and colour profile. From then on,
that JPEG is the photo: its mask fits it, and every program gets both.

The decoder runs in a process of its own: damaged files have made pi-heif 1.4.0 crash the one it is in.
"""

import errno
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..common.errors import PhotoError
from ..common.files import cannot_write, write_atomically
from . import heic_decoder
from .exif import ORIENTATION, PIXEL_X_DIMENSION, PIXEL_Y_DIMENSION, with_numbers
from .file_types import kind_of, misnamed
from .metadata import Metadata, fitted_to_jpeg, into_jpeg
from .photo import NAME_TOO_LONG, Photo, cannot_read
from .pixels import MAX_MEGAPIXELS, NO_MEMORY

_QUALITY = 95
_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>))[2-8]""")
_LONGEST = 120.0  # seconds; 12 megapixels take about one
# Nanoseconds to which file systems round times: none, NTFS, exFAT, many a share, FAT.
_TIME_STEPS = (1, 100, 10_000_000, 1_000_000_000, 2_000_000_000)

if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0


@dataclass(frozen=True)
class _Decoded:
    picture: Image.Image
    """8-bit RGB or grey, upright."""
    has_less_colour: bool
    """Whether colour is stored at half the resolution (4:2:0)."""
    metadata: Metadata
    """As the upright picture has it."""
    left_behind: list[str]
    """What of the photo's own metadata is not in it, in sentences."""


def as_jpeg(photo: Photo, warnings: list[str] | None = None) -> Photo:
    """Returns the JPEG of a HEIC photo, written unless it is there and as old as the photo.

    Sentences on what of the photo's metadata a JPEG that is written now leaves behind are added to ``warnings``.
    Raises PhotoError, and OutputError where the JPEG cannot be written.
    """
    jpeg = photo.jpeg
    if not is_converted(photo):
        _, modified = photo.file_stamp()
        content, left_behind = make_jpeg(photo)
        try:
            write_atomically(jpeg.path, content)
            # The time of the photo is also the mark that it was written to the end, and makes its stamp last.
            os.utime(jpeg.path, ns=(modified, modified))
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise PhotoError(NAME_TOO_LONG) from error
            raise cannot_write(photo.converted or jpeg.path, error) from error
        if warnings is not None:
            warnings += left_behind
    return jpeg


def is_converted(photo: Photo) -> bool:
    """Returns whether the JPEG of a HEIC photo is there, and as old as the photo. Raises PhotoError."""
    _, modified = photo.file_stamp()
    try:
        kept = photo.jpeg.path.stat().st_mtime_ns
    except OSError:
        return False
    return any(kept % step == 0 and abs(kept - modified) < step for step in _TIME_STEPS)


def make_jpeg(photo: Photo) -> tuple[bytes, list[str]]:
    """A HEIC photo as an upright JPEG with its metadata, and sentences on what of that it lacks. Raises PhotoError.

    Its EXIF has the orientation 1 and the JPEG's width and height, since libheif turns the pixels upright by the
    container's own marks (irot, imir), which rule where EXIF says otherwise (ISO 23008-12, 6.5.10 and A.2.1).
    No metadata fails a photo: it is the pixels that are scanned.
    """
    try:
        decoded = _decode(photo)
        metadata, too_large = fitted_to_jpeg(decoded.metadata)
        buffer = io.BytesIO()
        subsampling = "4:2:0" if decoded.has_less_colour else "4:4:4"
        decoded.picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=subsampling)
        left_behind = [*decoded.left_behind, *(f"its JPEG leaves out {words}" for words in too_large)]
        return into_jpeg(buffer.getvalue(), metadata), left_behind
    except MemoryError as error:
        raise PhotoError(NO_MEMORY) from error


def _decode(photo: Photo) -> _Decoded:
    photo.file_stamp()  # says what is wrong with what is no file
    try:
        kind = kind_of(photo.path)
    except OSError as error:
        raise cannot_read(error) from error
    if kind not in {"HEIC", ""}:  # the decoder knows more brands than are known here
        raise PhotoError(misnamed(kind, photo.path))
    answer = _run_decoder(photo)
    at = answer.index(b"\n") + 1
    about = json.loads(answer[:at])
    rest = memoryview(answer)  # whose slices are no copies: 12 megapixels are 36 MB
    blocks = {}
    for name in ("exif", "xmp", "icc"):
        blocks[name] = rest[at : at + about[name]].tobytes()
        at += about[name]
    size, mode = tuple(about["size"]), about["mode"]
    try:
        picture = _eight_bit(Image.frombytes(mode, size, rest[at:], "raw", mode, about["stride"]))
    except ValueError as error:
        raise PhotoError(f"cannot be decoded ({error}); copy it from the camera again") from error
    return _Decoded(picture, about["chroma"] == 420, *_metadata(**blocks, size=size))


def _run_decoder(photo: Photo) -> bytes:
    """What ``heic_decoder`` writes of a photo. Raises PhotoError."""
    command = [sys.executable, "-I", heic_decoder.__file__, str(photo.path), str(MAX_MEGAPIXELS * 1_000_000)]
    environment = {**os.environ, "SCAN_CUTOUT_SYS_PATH": json.dumps([path for path in sys.path if path])}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=_LONGEST,
            check=False,
            creationflags=_FLAGS,
        )
    except OSError as error:
        raise PhotoError(f"was not decoded, since no process can be started ({error.strerror}); try again") from error
    except subprocess.TimeoutExpired as error:
        raise PhotoError(f"was not decoded within {_LONGEST:.0f} s; copy it from the camera again") from error
    words = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == heic_decoder.MISSING:
        raise PhotoError(
            f"is a HEIC file, and what reads them is missing here ({words}); convert it to JPEG, and scan that"
        )
    if done.returncode == heic_decoder.NO_MEMORY:
        raise PhotoError(NO_MEMORY)
    if done.returncode == 1 and words and "\n" not in words:
        raise PhotoError(words)
    if done.returncode != 0:
        raise PhotoError("is damaged (its decoder crashed); copy it from the camera again")
    return done.stdout


def _eight_bit(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):  # grey of 10 bits or more; colours come with 8
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture if picture.mode in {"RGB", "L"} else picture.convert("RGB")


def _metadata(exif: bytes, xmp: bytes, icc: bytes, size: tuple[int, int]) -> tuple[Metadata, list[str]]:
    """A photo's metadata as its upright picture of ``size`` has it, and sentences on what is left behind."""
    exif, left_behind = exif.removeprefix(b"Exif\0\0"), []
    upright = {ORIENTATION: 1, PIXEL_X_DIMENSION: size[0], PIXEL_Y_DIMENSION: size[1]}
    if exif:
        try:
            exif = with_numbers(exif, upright)
        except ValueError as error:
            # It may say that the picture is to be turned, which whoever reads more of it would do.
            exif = b""
            left_behind.append(f"its JPEG has no EXIF, since that of the photo cannot be read ({error})")
    return Metadata(exif, _XMP_ORIENTATION.sub(rb"\g<1>1", xmp), icc), left_behind
