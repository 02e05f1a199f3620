# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks and soft masks on disk, where a person may have put or painted them, read with care."""

import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..common.errors import PhotoError
from ..common.hashes import hash_file
from ..job.folder import JobFolder
from ..job.records import PhotoRecord
from .greys import as_grey
from .mask import Mask, read_soft_mask

THRESHOLD = 128
"""Grey values of a saved mask from this one on are kept."""
_BORDER = 0.9
"""A mask that keeps so much of the picture's border, and drops some of the rest, may be inverted."""
_BINARY = [0] * THRESHOLD + [255] * (256 - THRESHOLD)
DAMAGED = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises of a file that is no picture, or not a whole one."""


class OtherSizeError(Exception):
    """A mask has another size than its photo: ``size`` is the mask's width and height in pixels."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(f"the mask has {size[0]} × {size[1]} pixels")
        self.size = size


@dataclass(frozen=True)
class SavedMask:
    """A mask as it was saved."""

    content: bytes
    """Of the file."""
    grey: Image.Image
    """In mode L."""
    is_grey_png: bool
    """Whether the file is a PNG of one channel with 8 bits, without transparency."""

    def binary(self) -> Image.Image:
        """Returns the mask in mode L, 0 and 255."""
        return binary(self.grey)


def binary(grey: Image.Image) -> Image.Image:
    """Returns a mask in mode L as 0 and 255."""
    return grey.point(_BINARY)


def looks_inverted(keep: NDArray[np.bool_]) -> bool:
    """Returns whether a mask may be inverted; ``keep``, of the shape (height, width), is what it keeps."""
    border = np.concatenate((keep[0], keep[-1], keep[:, 0], keep[:, -1]))
    return float(border.mean()) > _BORDER and not keep.all()


def read_saved_mask(path: Path, size: tuple[int, int]) -> SavedMask:
    """Returns the mask in a file, however a paint program saved it.

    ``size`` is the width and height that it must have. Raises OSError where the file cannot be read, OtherSizeError,
    and ValueError with the reason where it is no picture or a damaged one.
    """
    content = path.read_bytes()
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.size != size:
                raise OtherSizeError(image.size)  # before it is decoded: it may be a bomb
            is_grey_png = image.mode == "L" and image.format == "PNG" and not image.has_transparency_data
            return SavedMask(content, as_grey(image), is_grey_png)
    except UnidentifiedImageError as error:
        raise ValueError(f"cannot identify image file {str(path)!r}") from error
    except DAMAGED as error:
        raise ValueError(str(error)) from error


def saved_size(path: Path) -> tuple[int, int]:
    """Returns width and height of a mask in a file, by its header.

    Raises OSError where the file cannot be read, and ValueError with the reason where it is no picture.
    """
    with path.open("rb") as file:
        try:
            with Image.open(file) as image:
                return image.size
        except UnidentifiedImageError as error:
            raise ValueError(f"cannot identify image file {str(path)!r}") from error
        except DAMAGED as error:
            raise ValueError(str(error)) from error


def kept_mask(folder: JobFolder, working_name: PurePosixPath, size: tuple[int, int]) -> Mask:
    """Returns the mask on disk of a photo of ``size`` (width, height).

    ``working_name`` is that of the photo as engines get it, here as below. Raises PhotoError.
    """
    try:
        return Mask.of(read_saved_mask(folder.mask(working_name), size).binary())
    except OtherSizeError as error:
        raise _other_size(error.size, size) from error
    except (OSError, ValueError) as error:
        raise PhotoError(f"has a mask that cannot be read ({error}); remove it to have it made again") from error


def foreign_size(folder: JobFolder, working_name: PurePosixPath, record: PhotoRecord) -> tuple[int, int] | None:
    """Returns width and height of a mask on disk that no run has made; None without one.

    It must be a picture, and not what a power cut left.
    """
    path = folder.mask(working_name)
    ours = (record.mask_sha256,) if record.is_mask_ours else ()
    if hash_file(path) in {*ours, *record.announced}:
        return None
    try:
        with Image.open(path) as mask:
            if mask.size == record.stored_size:  # what claims another size may be a bomb
                mask.load()
            return mask.size
    except DAMAGED:
        return None


def is_painted(folder: JobFolder, working_name: PurePosixPath, record: PhotoRecord) -> bool:
    """Returns whether the mask on disk was painted on by hand and fits the photo, so that it is kept."""
    return foreign_size(folder, working_name, record) == record.stored_size


def refuse_another_size(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """Raise PhotoError where a mask is not as large as its photo: both are width and height."""
    if size != wanted:
        raise _other_size(size, wanted)


def kept_soft_mask(folder: JobFolder, working_name: PurePosixPath, record: PhotoRecord) -> Image.Image | None:
    """Returns the model's answer of an earlier run in mode L; None where it is not there, or not whole."""
    if record.proxy_size is None:
        return None
    try:
        return read_soft_mask(folder.soft_mask(working_name).read_bytes(), record.proxy_size)
    except (OSError, ValueError):
        return None


def _other_size(size: tuple[int, int], wanted: tuple[int, int]) -> PhotoError:
    return PhotoError(
        f"has {wanted[0]} × {wanted[1]} pixels and a mask with {size[0]} × {size[1]}; "
        "save the mask at the photo's size, have Adopt Masks scale it, or delete it to have it made again"
    )
