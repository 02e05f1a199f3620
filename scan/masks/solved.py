# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo that was solved, and its mask: read, and held against the camera they were solved with."""

from pathlib import Path

from PIL import Image

from ..common.errors import PhotoError
from ..photos.photo import Photo
from ..photos.pixels import stored_pixels
from ..reconstruction.types import Camera
from .saved_masks import OtherSizeError, SavedMask, read_saved_mask


def solved_picture(photo: Photo, camera: Camera) -> Image.Image:
    """Returns the photo's stored pixels in mode RGB. Raises PhotoError."""
    picture = stored_pixels(photo, "RGB")
    if picture.size != (camera.width, camera.height):
        raise _other_size("the picture", picture.size, camera, "choose the folder with the photos that were solved")
    return picture


def solved_mask(path: Path, camera: Camera) -> SavedMask:
    """Returns the mask of such a photo. Raises PhotoError."""
    try:
        return read_saved_mask(path, (camera.width, camera.height))
    except FileNotFoundError as error:
        raise PhotoError("has no mask; strip its background first") from error
    except OtherSizeError as error:
        raise _other_size("its mask", error.size, camera, "strip it again") from error
    except (OSError, ValueError) as error:
        raise PhotoError(f"has a mask that cannot be read ({error}); make it again") from error


def _other_size(what: str, size: tuple[int, int], camera: Camera, advice: str) -> PhotoError:
    return PhotoError(
        f"does not fit the model: {what} is {size[0]} × {size[1]} pixels, the camera's pictures are "
        f"{camera.width} × {camera.height}; {advice}"
    )
