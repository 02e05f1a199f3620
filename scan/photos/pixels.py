# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of photos: opened safely, turned upright, made into proxies. Photos are never written to."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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

from ..common.errors import PhotoError
from . import tiff_coding
from .file_types import kind_of, why_not_read, why_unknown
from .jpeg_coding import lacks_its_end
from .jpeg_end import with_its_end
from .photo import RAW_NOT_DEVELOPED, Photo, cannot_read

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
MAX_MEGAPIXELS = 250
"""More than any camera takes (150 in 2026); a file that claims more is a decompression bomb."""
_MEGAPIXELS_OF_A_BLANK = 20
_PIXELS_A_BYTE = 1000
"""A larger file that holds fewer bytes a pixel has a damaged header: photos take 2 to 30 pixels a byte."""

NO_MEMORY = "needs more memory than is free; close other programs or make it smaller"

# Pillow's own guard refuses 180 megapixels, which cameras do take, and its warnings nobody would see.
# This module is imported by workers only, never into Blender's own process.
Image.MAX_IMAGE_PIXELS = None

# JPEG's own reduced decoding halves the size 1, 2 or 3 times. A proxy this much short of the wished size
# is taken as it comes: 4032 pixels decode straight to 1008 instead of to 2016, in a quarter of the time.
_SHORT_ENOUGH = 0.95
_TWELVE_BITS = 4095

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
class Proxy:
    """What a model is given for a photo, and what is needed to lay the answer over the photo."""

    picture: Image.Image
    """The upright picture, in RGB."""
    stored_size: tuple[int, int]
    """Width and height of the photo's stored pixels."""
    orientation: int
    """EXIF orientation of the photo, 1 to 8."""
    original: Path | None = None
    """The photo file, where it is to be sent as it is: rembg reads the same picture in it."""

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
                raise cannot_read(error) from error
        buffer = io.BytesIO()
        try:
            # Full colour resolution, hardly any loss: 5 ms and 0.3 MB, and a mask like that of the pixels themselves.
            self.picture.save(buffer, "JPEG", quality=95, subsampling=0)
        except OSError as error:  # more than 65500 pixels in a row, which only full resolution can have
            raise PhotoError(f"cannot be sent at full resolution ({error}); choose a proxy size") from error
        return buffer.getvalue(), "image/jpeg"


@contextmanager
def open_photo(photo: Photo) -> Iterator[Image.Image]:
    """Open a photo for reading, its pixels not yet decoded. Raises PhotoError with the reason, also while decoding."""
    if photo.is_raw:
        raise PhotoError(RAW_NOT_DEVELOPED)
    in_bytes, _ = photo.file_stamp()  # before it is opened: at a pipe, even that waits, and hears of no Cancel
    try:
        with Image.open(photo.path, formats=_FORMATS) as image:
            if isinstance(image, TiffImagePlugin.TiffImageFile):
                # Files of a known name are mapped into memory, and what is mapped has its sides mixed up where EXIF
                # turns it by a quarter (Pillow 13.0 and before: unpacked grey, palette, RGBA, CMYK and 16-bit files).
                image.filename = ""
                _refuse_misread(image, photo.path)
            _refuse_bombs(image, in_bytes)
            if lacks_its_end(photo.path):
                with Image.open(io.BytesIO(with_its_end(photo.path)), formats=_FORMATS) as whole:
                    yield whole
            else:
                yield image
    except UnidentifiedImageError as error:
        raise _unknown(photo) from error
    except MemoryError as error:
        raise PhotoError(NO_MEMORY) from error
    except PhotoError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # the system's word, and not Pillow's
            raise cannot_read(error) from error
        # Damaged files make Pillow raise nearly anything (struct.error, KeyError, ZeroDivisionError, …).
        raise _not_decoded(photo, error) from error


def _unknown(photo: Photo) -> PhotoError:
    try:
        return PhotoError(why_unknown(photo.path))
    except OSError as error:
        return cannot_read(error)


def _not_decoded(photo: Photo, error: Exception) -> PhotoError:
    try:
        words = why_not_read(photo.path, kind_of(photo.path))
    except OSError as unread:
        return cannot_read(unread)
    return PhotoError(words or f"cannot be decoded ({error}); copy it from the camera again")


def _refuse_bombs(image: Image.Image, in_bytes: int) -> None:
    """Raises PhotoError where the header claims more pixels than a photo has, or than the file can hold."""
    if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
        raise PhotoError(
            f"claims {image.width} × {image.height} pixels; more than {MAX_MEGAPIXELS} megapixels are not read"
        )
    if image.width * image.height > max(_MEGAPIXELS_OF_A_BLANK * 1_000_000, in_bytes * _PIXELS_A_BYTE):
        raise PhotoError(
            f"claims {image.width} × {image.height} pixels, which its {in_bytes} bytes cannot hold; "
            "copy it from the camera again"
        )


def _refuse_misread(image: TiffImagePlugin.TiffImageFile, path: Path) -> None:
    """Raises PhotoError for TIFFs that Pillow 13.0 reads wrong, and says nothing, or does not decode.

    It takes unpacked planes of 16 bits for 8, turns no grey of 16 bits whose white is 0, and reads the first picture,
    be it a thumbnail.
    """
    words = tiff_coding.about_compression(image.tag_v2.get(TiffImagePlugin.COMPRESSION, 1))
    if not words and (image.tag_v2.next or TiffImagePlugin.SUBIFD in image.tag_v2):
        words = tiff_coding.about_pictures(path)
    if words:
        raise PhotoError(words)
    bits = max(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
    if bits <= 8:
        return
    is_in_planes = image.tag_v2.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2
    if is_in_planes and image.tag_v2.get(TiffImagePlugin.COMPRESSION, 1) == 1:
        raise PhotoError(
            f"is a TIFF with {bits} bits a channel and its channels one after the other, which is not read right; "
            "save it with interleaved channels"
        )
    if image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:
        raise PhotoError(
            f"is a TIFF with {bits} bits whose white is 0, which is not read right; save it with black as 0"
        )


def stored_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of a photo's stored pixels; ``image`` is that photo, opened and not yet loaded.

    Of a TIFF, Pillow gives the size that the TIFF's own tag turns it to. Where only XMP says how it is to be turned,
    Pillow gives the size of what is stored, and turns the pixels all the same while it loads them.
    """
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.size[::-1] if image.tag_v2.get(ExifTags.Base.Orientation) in _SWAPS_SIDES else image.size
    return image.size


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none or it cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
        return int(value) if value in _TO_UPRIGHT else 1  # also 6/1, as Pillow has it
    except Exception:  # noqa: BLE001 - a damaged EXIF block makes Pillow raise nearly anything, and means "none"
        return 1


def to_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn stored pixels upright."""
    return image.transpose(_TO_UPRIGHT[orientation]) if orientation in _TO_UPRIGHT else image


def to_stored(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an upright picture back to the way the photo is stored."""
    return image.transpose(_TO_STORED[orientation]) if orientation in _TO_STORED else image


def make_proxy(photo: Photo, long_edge: int) -> Proxy:
    """Decode a photo no larger than needed, turn it upright and scale it.

    ``long_edge`` is in pixels; 0 is for full resolution: then the photo file is sent as it is, but for deep greys and
    JPEGs without an end. All others, palettes, CMYK and alpha too, a rembg server turns upright and converts to RGB
    just as it is done here: encoding them anew would be time and loss for nothing. A photo is never enlarged. Raises
    PhotoError.
    """
    with open_photo(photo) as image:
        stored = stored_size(image)
        turn = turn_by_pillow(image)
        scale = 1.0 if long_edge == 0 else min(1.0, long_edge / max(stored))
        reduced = None
        if image.format in {"JPEG", "MPO"}:
            short_enough = scale * _SHORT_ENOUGH if scale < 1 else 1.0
            reduced = image.draft("RGB", scaled(stored, short_enough))
        image.load()
        is_sent = long_edge == 0 and not _is_deep_grey(image) and not lacks_its_end(photo.path)
        picture = _as_rgb(image)
        if image.format == "TIFF":
            picture = to_stored(picture, turn)
        else:
            # After load: Pillow finds a PNG's EXIF only then where it follows the pixels.
            turn = orientation(image)
        covered = reduced[1][2:] if reduced else picture.size
        picture = to_upright(_fitted(picture, covered, scaled(stored, scale)), turn)
    return Proxy(picture, stored, turn, photo.path if is_sent else None)


def stored_pixels(photo: Photo, mode: str) -> Image.Image:
    """A photo's pixels as they lie in the file, EXIF orientation ignored, in ``mode`` RGB or L. Raises PhotoError."""
    return reduced_pixels(photo, mode, 1.0)[0]


def reduced_pixels(photo: Photo, mode: str, scale: float) -> tuple[Image.Image, tuple[float, float]]:
    """The same of a JPEG decoded at a half, a quarter or an eighth, where that is still as large as ``scale`` says.

    Returns also how wide and how high one of the file's pixels is in the picture: 1 where it was not reduced. Raises
    PhotoError.
    """
    with open_photo(photo) as image:
        stored = stored_size(image)
        turn = turn_by_pillow(image)
        reduced = image.draft(mode, scaled(stored, scale))
        image.load()
        picture = to_stored(image if image.mode == mode else _as_rgb(image).convert(mode), turn)
    # The size of what is decoded is rounded up, and the photo fills less of it.
    covered = reduced[1][2:] if reduced else stored
    return picture, (covered[0] / stored[0], covered[1] / stored[1])


def stored_part(photo: Photo, box: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
    """A rectangle of a photo's pixels as they lie in the file, in mode L, scaled down to ``size`` (width, height).

    ``box`` is its left, upper, right and lower edge in those pixels. Raises PhotoError.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    picture, (across, down) = reduced_pixels(photo, "L", max(size[0] / width, size[1] / height))
    if size == (width, height):
        return picture.crop(box)
    covered = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
    return picture.resize(size, Image.Resampling.LANCZOS, box=covered)


def turn_by_pillow(image: Image.Image) -> int:
    """The EXIF orientation by which Pillow turns a TIFF upright while it loads it, forgetting the tag; 1 for others."""
    return orientation(image) if image.format == "TIFF" else 1


def scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Width and height of a picture of ``size`` once it is scaled: whole pixels, and one at least."""
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _fitted(picture: Image.Image, covered: tuple[float, float], wanted: tuple[int, int]) -> Image.Image:
    """A picture as large as ``wanted`` at most, that the photo fills to its last column and row.

    ``covered`` is the width and height of it that the photo fills: JPEG's reduced decoding rounds its size up, and
    pads what is left of the last column and row. Stretched over the photo, its mask would drift by what is padded.
    """
    if max(picture.size) <= max(wanted):
        wanted = max(1, round(covered[0])), max(1, round(covered[1]))
    if wanted == picture.size == covered:
        return picture
    return picture.resize(wanted, Image.Resampling.BICUBIC, box=(0, 0, *covered), reducing_gap=2.0)


def _is_deep_grey(image: Image.Image) -> bool:
    """Whether it is a grey of more than 8 bits, which Pillow's own conversion to RGB would clip and not scale."""
    return image.mode == "F" or image.mode.startswith("I")


def _as_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB of any picture Pillow reads: alpha dropped, as every engine does; deep greys scaled, not clipped."""
    if image.mode == "RGB":
        return image
    if image.mode == "LAB":
        raise PhotoError("has LAB colours, which are not read; save it as RGB")
    if _is_deep_grey(image):
        image = _eight_bit_grey(image)
    return image.convert("RGB")


def _eight_bit_grey(image: Image.Image) -> Image.Image:
    """A grey of more than 8 bits with 8, in mode L: scaled, not clipped."""
    values = np.asarray(image, dtype=np.float32)
    if image.mode.startswith("I;16"):
        # Their full range, by definition; but what holds 12 bits or less would be black in it to any model.
        highest = float(values.max())
        low, high = 0.0, 65535.0 if highest > _TWELVE_BITS else highest
    else:  # of 32-bit and floating-point files only what they hold tells; a hole in it is often "not a number"
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    return Image.fromarray(np.uint8(np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255))
