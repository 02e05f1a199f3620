# SPDX-License-Identifier: GPL-3.0-or-later
"""HEIC and HEIF photos, handed over as JPEGs.

Most phones write HEIC and no photogrammetry program reads it. So such a photo is decoded once, with ``pi-heif`` (which
carries a decoder only), and written as an upright JPEG that carries its EXIF, XMP and colour profile. From then on,
that JPEG is the photo: its mask fits it, and every program gets both.
"""

import contextlib
import importlib.util
import io
import os
import re
import sys
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from .errors import PhotoError
from .exif import ORIENTATION, PIXEL_X_DIMENSION, PIXEL_Y_DIMENSION, with_numbers
from .files import write_atomically
from .metadata import Metadata, into_jpeg
from .photos import HEIC_SUFFIXES, MAX_MEGAPIXELS, Photo

_QUALITY = 95
_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>))[2-8]""")


def is_heic(name: PurePosixPath) -> bool:
    """Whether a photo of this name has to be handed over as a JPEG."""
    return name.suffix.lower() in HEIC_SUFFIXES


def jpeg_name(name: PurePosixPath) -> PurePosixPath:
    """The relative path of the JPEG of a HEIC photo: ``SideA/IMG_1.HEIC.jpg``."""
    return name.with_name(name.name + ".jpg")


def as_jpeg(photo: Photo, folder: Path) -> Photo:
    """The JPEG of a HEIC photo below ``folder``, written unless it is there and as old as the photo.

    Raises PhotoError, and OSError where the JPEG cannot be written.
    """
    name = jpeg_name(photo.name)
    path = folder / name
    _, modified = photo.identity()
    with contextlib.suppress(OSError):
        if path.stat().st_mtime_ns == modified:
            return Photo(name, path)
    write_atomically(path, make_jpeg(photo))
    # The time of the photo is also the mark that it was written to the end, and makes its identity last.
    os.utime(path, ns=(modified, modified))
    return Photo(name, path)


def make_jpeg(photo: Photo) -> bytes:
    """A HEIC photo as an upright JPEG with its metadata. Raises PhotoError.

    Its EXIF has the orientation 1 and the JPEG's width and height, since libheif turns the pixels upright by the
    container's own marks (irot, imir), which rule where EXIF says otherwise (ISO 23008-12, 6.5.10 and A.2.1).
    """
    decoder = _decoder()
    try:
        content = photo.path.read_bytes()
    except OSError as error:
        raise PhotoError(f"cannot be read ({error.strerror})") from error
    try:
        file = decoder.HeifFile(content)
        primary = file[file.primary_index]
        if primary.size[0] * primary.size[1] > MAX_MEGAPIXELS * 1_000_000:
            raise PhotoError(
                f"claims {primary.size[0]} × {primary.size[1]} pixels; "
                f"more than {MAX_MEGAPIXELS} megapixels are not read"
            )
        picture = _eight_bit(primary.to_pillow())
    except PhotoError:
        raise
    except Exception as error:
        # Damaged files make the decoder raise ValueError, EOFError, SyntaxError, RuntimeError and more.
        raise PhotoError(f"cannot be decoded ({error}); copy it from the camera again") from error
    subsampling = "4:2:0" if primary.info.get("chroma") == 420 else "4:4:4"
    picture.info = {}  # or Pillow writes some of what is carried a second time
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=subsampling)
    return into_jpeg(buffer.getvalue(), _metadata(primary.info, picture.size))


def _eight_bit(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):  # grey of 10 bits or more; colours come with 8
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture if picture.mode in {"RGB", "L"} else picture.convert("RGB")


def _metadata(info: dict[str, Any], size: tuple[int, int]) -> Metadata:
    exif = bytes(info.get("exif") or b"").removeprefix(b"Exif\0\0")
    upright = {ORIENTATION: 1, PIXEL_X_DIMENSION: size[0], PIXEL_Y_DIMENSION: size[1]}
    try:
        exif = with_numbers(exif, upright) if exif else b""
    except ValueError as error:
        raise PhotoError(f"has EXIF that cannot be read ({error}); convert it to JPEG, and scan that") from error
    xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", bytes(info.get("xmp") or b""))
    return Metadata(exif, xmp, bytes(info.get("icc_profile") or b""))


def _decoder() -> ModuleType:
    """The module pi_heif. Raises PhotoError where it cannot be loaded."""
    try:
        _let_windows_find_libraries()
        import pi_heif  # noqa: PLC0415 - only who has HEIC photos needs it

        pi_heif.libheif_info()  # what failed to load raises only when it is used
    except ImportError as error:
        raise PhotoError(
            f"is a HEIC file, and what reads them is missing here ({error}); convert it to JPEG first, and scan that"
        ) from error
    module: ModuleType = pi_heif
    return module


def _let_windows_find_libraries() -> None:
    spec = importlib.util.find_spec("_pi_heif")
    if sys.platform == "win32" and spec is not None and spec.origin is not None:
        for folder in library_folders(Path(spec.origin).parent):
            os.add_dll_directory(str(folder))


def library_folders(packages: Path) -> list[Path]:
    """Where a wheel's libraries for Windows lie if they are not beside its modules in ``packages``.

    The wheel holds them in ``….data/platlib``, which an installer has to empty into ``packages``; Blender 4.2's
    does not (its wheel_manager.py unpacks wheels as they are; seen in 4.2.23, done right in 4.5.15).
    """
    return sorted(packages.glob("pi_heif-*.data/platlib"))
