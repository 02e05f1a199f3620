# SPDX-License-Identifier: GPL-3.0-or-later
"""HEIC and HEIF photos, handed over as JPEGs.

Most phones write HEIC and no photogrammetry program reads it. So such a photo is decoded once, with ``pi-heif`` (which
carries a decoder only), and written as an upright JPEG that carries its EXIF, XMP and colour profile. From then on,
that JPEG is the photo: its mask fits it, and every program gets both.

The decoder runs in a process of its own: damaged files have made pi-heif 1.4.0 crash the one it is in.
"""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from . import heic_reader
from .errors import PhotoError
from .exif import ORIENTATION, PIXEL_X_DIMENSION, PIXEL_Y_DIMENSION, with_numbers
from .files import write_atomically
from .metadata import Metadata, into_jpeg
from .photos import HEIC_SUFFIXES, MAX_MEGAPIXELS, Photo

_QUALITY = 95
_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>))[2-8]""")
_LONGEST = 120.0  # seconds; 12 megapixels take about one

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


def is_heic(name: PurePosixPath) -> bool:
    """Whether a photo of this name has to be handed over as a JPEG."""
    return name.suffix.lower() in HEIC_SUFFIXES


def jpeg_name(name: PurePosixPath) -> PurePosixPath:
    """The relative path of the JPEG of a HEIC photo: ``SideA/IMG_1.HEIC.jpg``."""
    return name.with_name(name.name + ".jpg")


def handed_over(photo: Photo, folder: Path) -> Photo:
    """The photo as engines get it: itself, or its JPEG below ``folder`` where it is HEIC.

    Raises PhotoError where another photo has the JPEG's name, and so its mask's.
    """
    if not is_heic(photo.name):
        return photo
    name = jpeg_name(photo.name)
    if photo.path.with_name(name.name).exists():
        raise PhotoError(f"would get the same mask as the photo {name.name} beside it; rename one of them")
    return Photo(name, folder / name)


def as_jpeg(photo: Photo, folder: Path) -> Photo:
    """The JPEG of a HEIC photo below ``folder``, written unless it is there and as old as the photo.

    Raises PhotoError, and OSError where the JPEG cannot be written.
    """
    jpeg = Photo(jpeg_name(photo.name), folder / jpeg_name(photo.name))
    if not is_converted(photo, folder):
        _, modified = photo.identity()
        write_atomically(jpeg.path, make_jpeg(photo))
        # The time of the photo is also the mark that it was written to the end, and makes its identity last.
        os.utime(jpeg.path, ns=(modified, modified))
    return jpeg


def is_converted(photo: Photo, folder: Path) -> bool:
    """Whether the JPEG of a HEIC photo is there below ``folder``, and as old as the photo. Raises PhotoError."""
    _, modified = photo.identity()
    try:
        return (folder / jpeg_name(photo.name)).stat().st_mtime_ns == modified
    except OSError:
        return False


def make_jpeg(photo: Photo) -> bytes:
    """A HEIC photo as an upright JPEG with its metadata. Raises PhotoError.

    Its EXIF has the orientation 1 and the JPEG's width and height, since libheif turns the pixels upright by the
    container's own marks (irot, imir), which rule where EXIF says otherwise (ISO 23008-12, 6.5.10 and A.2.1).
    """
    decoded = _decode(photo)
    buffer = io.BytesIO()
    subsampling = "4:2:0" if decoded.has_less_colour else "4:4:4"
    decoded.picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=subsampling)
    return into_jpeg(buffer.getvalue(), decoded.metadata)


def _decode(photo: Photo) -> _Decoded:
    photo.identity()  # says what is wrong with a file that cannot be read
    command = [sys.executable, "-I", heic_reader.__file__, str(photo.path), str(MAX_MEGAPIXELS * 1_000_000)]
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
    except subprocess.TimeoutExpired as error:
        raise PhotoError(f"was not decoded within {_LONGEST:.0f} s; copy it from the camera again") from error
    words = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == heic_reader.MISSING:
        raise PhotoError(
            f"is a HEIC file, and what reads them is missing here ({words}); convert it to JPEG, and scan that"
        )
    if done.returncode == 1 and words and "\n" not in words:
        raise PhotoError(words)
    if done.returncode != 0:
        raise PhotoError("is damaged (its decoder crashed); copy it from the camera again")
    head, _, rest = done.stdout.partition(b"\n")
    about = json.loads(head)
    blocks, at = {}, 0
    for name in ("exif", "xmp", "icc"):
        blocks[name] = rest[at : at + about[name]]
        at += about[name]
    size, mode = tuple(about["size"]), about["mode"]
    try:
        picture = _eight_bit(Image.frombytes(mode, size, rest[at:], "raw", mode, about["stride"]))
    except ValueError as error:
        raise PhotoError(f"cannot be decoded ({error}); copy it from the camera again") from error
    return _Decoded(picture, about["chroma"] == 420, _metadata(**blocks, size=size))


def _eight_bit(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):  # grey of 10 bits or more; colours come with 8
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture if picture.mode in {"RGB", "L"} else picture.convert("RGB")


def _metadata(exif: bytes, xmp: bytes, icc: bytes, size: tuple[int, int]) -> Metadata:
    exif = exif.removeprefix(b"Exif\0\0")
    upright = {ORIENTATION: 1, PIXEL_X_DIMENSION: size[0], PIXEL_Y_DIMENSION: size[1]}
    try:
        exif = with_numbers(exif, upright) if exif else b""
    except ValueError as error:
        raise PhotoError(f"has EXIF that cannot be read ({error}); convert it to JPEG, and scan that") from error
    return Metadata(exif, _XMP_ORIENTATION.sub(rb"\g<1>1", xmp), icc)
