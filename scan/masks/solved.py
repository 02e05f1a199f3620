# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo that was solved, and its mask: read, and held against the camera they were solved with."""

from pathlib import Path

from PIL import Image

from ..common.errors import PhotoError
from ..photos.file_types import OTHER_SUFFIXES, RAW_SUFFIXES, kind_if_read
from ..photos.header import read_facts
from ..photos.photo import Photo
from ..photos.pixels import MAX_MEGAPIXELS, stored_pixels
from ..reconstruction.types import Camera
from .saved_masks import OtherSizeError, SavedMask, binary, read_saved_mask, saved_size
from .shapes import has_same_shape


def refuse_gone(photo: Photo) -> None:
    """Raise PhotoError where a photo is not there any more under the name by which it was solved."""
    if not photo.path.exists():
        raise PhotoError(
            "cannot be read (it is not there: moved, renamed or deleted since it was solved); "
            "put it back under that name, or solve again"
        )


def solved_picture(photo: Photo, camera: Camera) -> Image.Image:
    """Returns the photo's stored pixels in mode RGB. Raises PhotoError."""
    refuse_gone(photo)
    picture = stored_pixels(photo, "RGB")
    if picture.size != _size(camera):
        raise _other_picture(picture.size, camera)
    return picture


def solved_mask(path: Path, camera: Camera) -> SavedMask:
    """Returns the mask of such a photo. Raises PhotoError."""
    return _read_mask(path, _size(camera), camera)


def scaled_picture(photo: Photo, camera: Camera) -> Image.Image:
    """Returns the photo's pixels at the camera's size, in mode RGB, where it has the shape of the camera's pictures.

    Raises PhotoError.
    """
    refuse_gone(photo)
    picture = stored_pixels(photo, "RGB")
    _refuse_other_shape(picture.size, camera)
    size = _size(camera)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def scaled_mask(path: Path, camera: Camera) -> Image.Image:
    """Returns the grey values of such a photo's mask at the camera's size, 0 and 255 if it is scaled.

    Raises PhotoError.
    """
    size = _mask_size(path, camera)
    grey = _read_mask(path, size, camera).grey
    return grey if size == _size(camera) else binary(grey.resize(_size(camera), Image.Resampling.BILINEAR))


def check_picture(photo: Photo, camera: Camera) -> None:
    """Raise PhotoError where a photo has, by its header, another shape than the camera's pictures, or is no picture.

    What other programs solve, and only Blender reads, is taken as it is.
    """
    refuse_gone(photo)
    suffix = photo.path.suffix.lower()
    if suffix in OTHER_SUFFIXES:
        return
    try:
        size = read_facts(photo).size
    except PhotoError:
        # Of TIFFs Blender reads more than Pillow does.
        if suffix not in RAW_SUFFIXES and kind_if_read(photo.path) == "TIFF":
            return
        raise
    _refuse_other_shape(size, camera)


def check_mask(path: Path, camera: Camera) -> None:
    """Raise PhotoError where a photo's mask has, by its header, another shape than the camera's pictures.

    Also where it is no picture.
    """
    _mask_size(path, camera)


def _read_mask(path: Path, size: tuple[int, int], camera: Camera) -> SavedMask:
    try:
        return read_saved_mask(path, size)
    except FileNotFoundError as error:
        raise PhotoError("has no mask; strip its background first") from error
    except OtherSizeError as error:
        raise _other_mask(error.size, camera) from error
    except (OSError, ValueError) as error:
        raise _unreadable_mask(error) from error


def _mask_size(path: Path, camera: Camera) -> tuple[int, int]:
    try:
        size = saved_size(path)
    except (OSError, ValueError) as error:
        raise _unreadable_mask(error) from error
    is_bomb = size[0] * size[1] > MAX_MEGAPIXELS * 1_000_000
    if is_bomb or not has_same_shape(size, _size(camera)):
        raise _other_mask(size, camera)
    return size


def _size(camera: Camera) -> tuple[int, int]:
    """Width and height of its pictures."""
    return camera.width, camera.height


def _refuse_other_shape(size: tuple[int, int], camera: Camera) -> None:
    if not has_same_shape(size, _size(camera)):
        raise _other_picture(size, camera)


def _unreadable_mask(error: Exception) -> PhotoError:
    return PhotoError(f"has a mask that cannot be read ({error}); make it again")


def _other_picture(size: tuple[int, int], camera: Camera) -> PhotoError:
    advice = "choose the folder with the photos that were solved"
    if has_same_shape(size[::-1], _size(camera)):  # solved as EXIF turns it, by a program that heeds it
        advice += ", or save this one as it was solved, turned by a quarter"
    return _other_size("the picture", size, camera, advice)


def _other_mask(size: tuple[int, int], camera: Camera) -> PhotoError:
    return _other_size("its mask", size, camera, "strip it again")


def _other_size(what: str, size: tuple[int, int], camera: Camera, advice: str) -> PhotoError:
    return PhotoError(
        f"does not fit the model: {what} is {size[0]} × {size[1]} pixels, the camera's pictures are "
        f"{camera.width} × {camera.height}; {advice}"
    )
