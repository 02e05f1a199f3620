# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos: found in order, opened safely, made into proxies. Never written to."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

# Pillow loads its plugins when a file first needs them, and not safely from several threads at once: named here,
# they are loaded before the first thread starts.
from PIL import (  # noqa: F401
    ExifTags,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from .errors import BadUseError, PhotoError

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw"}
    | {".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srf", ".srw", ".x3f"}
)
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
MAX_MEGAPIXELS = 250
"""More than any camera takes (150 in 2026); a file that claims more is a decompression bomb."""
_MEGAPIXELS_OF_A_BLANK = 20
_PIXELS_A_BYTE = 1000
"""A larger file that holds fewer bytes a pixel has a damaged header: photos take 2 to 30 pixels a byte."""

# Pillow's own guard refuses 180 megapixels, which cameras do take, and its warnings nobody would see.
# This module is imported by workers only, never into Blender's own process.
Image.MAX_IMAGE_PIXELS = None

# JPEG's own reduced decoding halves the size 1, 2 or 3 times. A proxy this much short of the wished size
# is taken as it comes: 4032 pixels decode straight to 1008 instead of to 2016, in a quarter of the time.
_SHORT_ENOUGH = 0.95

# EXIF orientation (EXIF 2.32, tag 0x0112) → what turns the stored pixels upright, and what turns them back.
_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TO_STORED = {
    **_TO_UPRIGHT,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
_SWAPS_SIDES = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class Photo:
    """A photo file, named by its path relative to the photo folder."""

    name: PurePosixPath
    path: Path

    def identity(self) -> tuple[int, int]:
        """Size in bytes and modification time in nanoseconds: differs once the file was replaced. Raises PhotoError."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise PhotoError(f"cannot be read ({error.strerror})") from error
        if not stat.S_ISREG(status.st_mode):  # a folder; or a pipe, at which reading would wait for ever
            raise PhotoError("is not a file")
        return status.st_size, status.st_mtime_ns


@dataclass(frozen=True)
class Proxy:
    """What a model is given for a photo, and what is needed to lay the answer over the photo."""

    picture: Image.Image
    """The upright picture, in RGB."""
    stored_size: tuple[int, int]
    """Width and height of the photo's stored pixels."""
    orientation: int
    """EXIF orientation of the photo, 1 to 8."""
    original: Path | None = None
    """The photo file, where it is to be sent as it is."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, in pixels."""
        return self.picture.size

    def encode(self) -> tuple[bytes, str]:
        """What is sent to a server, and its media type. Raises PhotoError."""
        if self.original is not None:
            try:
                return self.original.read_bytes(), "application/octet-stream"
            except OSError as error:
                raise PhotoError(f"cannot be read ({error.strerror})") from error
        buffer = io.BytesIO()
        # Full colour resolution and hardly any loss: 5 ms and 0.3 MB, and a mask like that of the pixels themselves.
        self.picture.save(buffer, "JPEG", quality=95, subsampling=0)
        return buffer.getvalue(), "image/jpeg"


def find_photos(folder: Path, files: tuple[str, ...] = ()) -> list[Photo]:
    """The photos of a folder and its subfolders in the order of their names, or just those that are named.

    Links are followed, each folder once. Hidden files and folders are passed over. Raises BadUseError where there
    is no photo, or a name leads out of the folder.
    """
    if files:
        return [Photo(name, folder / name) for name in dict.fromkeys(map(_inside, files))]
    found = sorted(_walk(folder, PurePosixPath(), {os.path.realpath(folder)}), key=lambda photo: photo.name.parts)
    if not found:
        raise BadUseError(f"There are no photos in {folder}; JPEG, HEIC, PNG, TIFF and WebP files are read")
    return found


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/") if os.name == "nt" else name)
    has_drive = os.name == "nt" and PureWindowsPath(name).drive
    if path.is_absolute() or has_drive or ".." in path.parts or not path.parts:
        raise BadUseError(f"{name!r} does not name a photo inside the photo folder")
    return path


def _walk(folder: Path, name: PurePosixPath, seen: set[str]) -> Iterator[Photo]:
    try:
        # Links last: a folder that is linked to as well is found under its own name.
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError as error:
        raise BadUseError(f"The folder {folder} cannot be read ({error.strerror})") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue  # also ._IMG_1.JPG, which macOS leaves on memory cards and which is no picture
        # Not entry.is_dir(), which raises for a link that leads to itself.
        if Path(entry.path).is_dir():
            real = os.path.realpath(entry.path)
            if real not in seen:
                seen.add(real)
                yield from _walk(Path(entry.path), name / entry.name, seen)
        elif Path(entry.name).suffix.lower() in PHOTO_SUFFIXES | HEIC_SUFFIXES | RAW_SUFFIXES:
            yield Photo(name / entry.name, Path(entry.path))


@contextmanager
def open_photo(photo: Photo) -> Iterator[Image.Image]:
    """Open a photo for reading, its pixels not yet decoded. Raises PhotoError with the reason, also while decoding."""
    suffix = photo.path.suffix.lower()
    if suffix in RAW_SUFFIXES:
        raise PhotoError("is a RAW file; export it as JPEG or TIFF, and move the RAW file out of the folder")
    try:
        with Image.open(photo.path, formats=_FORMATS) as image:
            if image.format == "TIFF":
                # Files of a known name are mapped into memory, and what is mapped has its sides mixed up where EXIF
                # turns it by a quarter (Pillow 13.0 and before: unpacked grey, palette, RGBA, CMYK and 16-bit files).
                image.filename = ""
            if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
                raise PhotoError(
                    f"claims {image.width} × {image.height} pixels; more than {MAX_MEGAPIXELS} megapixels are not read"
                )
            if image.width * image.height > max(
                _MEGAPIXELS_OF_A_BLANK * 1_000_000, photo.identity()[0] * _PIXELS_A_BYTE
            ):
                raise PhotoError(
                    f"claims {image.width} × {image.height} pixels, which its {photo.identity()[0]} bytes cannot hold; "
                    "copy it from the camera again"
                )
            yield image
    except UnidentifiedImageError as error:
        reason = "is empty (0 bytes)" if photo.identity()[0] == 0 else "is not a JPEG, HEIC, PNG, TIFF or WebP picture"
        raise PhotoError(f"{reason}; copy it from the camera again") from error
    except FileNotFoundError as error:
        raise PhotoError("is not there any more") from error
    except PhotoError:
        raise
    except Exception as error:
        # Damaged files make Pillow raise nearly anything (struct.error, KeyError, ZeroDivisionError, …).
        raise PhotoError(f"cannot be decoded ({error}); copy it from the camera again") from error


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none or it cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - a damaged EXIF block makes Pillow raise nearly anything, and means "none"
        return 1
    return value if isinstance(value, int) and value in _TO_UPRIGHT else 1


def to_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn stored pixels upright."""
    return image.transpose(_TO_UPRIGHT[orientation]) if orientation in _TO_UPRIGHT else image


def to_stored(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an upright picture back to the way the photo is stored."""
    return image.transpose(_TO_STORED[orientation]) if orientation in _TO_STORED else image


def make_proxy(photo: Photo, long_edge: int) -> Proxy:
    """Decode a photo no larger than needed, turn it upright and scale it.

    ``long_edge`` is in pixels; 0 is for sending the photo file as it is. A photo is never enlarged. Raises PhotoError.
    """
    with open_photo(photo) as image:
        stored = image.size
        turn = 1
        if image.format == "TIFF":
            # Pillow turns a TIFF upright while it loads it, gives the size of that, and forgets the tag.
            turn = orientation(image)
            stored = stored[::-1] if turn in _SWAPS_SIDES else stored
        scale = 1.0 if long_edge == 0 else min(1.0, long_edge / max(stored))
        if image.format in {"JPEG", "MPO"}:
            short_enough = scale * _SHORT_ENOUGH if scale < 1 else 1.0
            image.draft("RGB", _scaled(stored, short_enough))
        image.load()
        picture = _as_rgb(image)
        if image.format == "TIFF":
            picture = to_stored(picture, turn)
        else:
            # After load: Pillow finds a PNG's EXIF only then where it follows the pixels.
            turn = orientation(image)
        wanted = _scaled(stored, scale)
        if max(picture.size) > max(wanted):
            picture = picture.resize(wanted, Image.Resampling.BICUBIC, reducing_gap=2.0)
        picture = to_upright(picture, turn)
    return Proxy(picture, stored, turn, photo.path if long_edge == 0 else None)


def stored_pixels(photo: Photo, mode: str) -> Image.Image:
    """A photo's pixels as they lie in the file, EXIF orientation ignored, in ``mode`` RGB or L. Raises PhotoError."""
    with open_photo(photo) as image:
        # Pillow turns a TIFF upright while it loads it, and forgets the tag; no other format.
        turn = orientation(image) if image.format == "TIFF" else 1
        image.draft(mode, image.size)
        image.load()
        return to_stored(image if image.mode == mode else _as_rgb(image).convert(mode), turn)


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _as_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB of any picture Pillow reads: alpha dropped, as every engine does; deep greys scaled, not clipped."""
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        # 16-bit files use their full range by definition; for 32-bit and floating-point ones only what they hold tells.
        low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else (float(values.min()), float(values.max()))
        image = Image.fromarray(np.uint8(np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255))
    return image.convert("RGB")
