# SPDX-License-Identifier: GPL-3.0-or-later
"""A mask as any program has saved it, made one of ours: over the photo's stored pixels, 0 or 255, white is kept."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..common.errors import PhotoError
from ..common.samples import spread
from ..photos.pixels import MAX_MEGAPIXELS, orientation, to_stored, to_upright, turn_by_pillow
from .greys import as_grey, share_between
from .mask import Mask
from .own_masks import MaskFile
from .saved_masks import DAMAGED, looks_inverted
from .shapes import has_same_shape

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
_NO_MASK = 0.5
"""A picture of which more than this share is neither black nor white is no mask."""
_LOOKED_AT = 12
"""So many masks tell whether all of them are inverted."""
_ADVICE = "; save it at the size of the photo, or move it elsewhere"


@dataclass(frozen=True)
class _Grey:
    """A mask's pixels as they lie in its file."""

    image: Image.Image
    """In mode L, white is kept."""
    turn: int
    """The EXIF orientation that its own file says it has, 1 to 8."""


@dataclass(frozen=True)
class AdoptedMask:
    """A mask that was made of one of a person's own."""

    mask: Mask
    is_either: bool
    """Whether it could as well have been upright, and not as the photo is stored."""


def adopted(file: MaskFile, size: tuple[int, int], turn: int, threshold: int, *, is_object_black: bool) -> AdoptedMask:
    """Returns what is made of somebody's mask for a photo of ``size`` (width, height) in stored pixels.

    ``turn`` is the photo's EXIF orientation; greys from ``threshold`` on are kept, of the negative where
    ``is_object_black``. Raises PhotoError where it is no mask, or no such photo's.
    """
    grey = _read(file)
    image, is_either = _laid_over(file, grey, size, turn)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    mask = Mask.of(Image.fromarray(np.where(_keep(image, threshold, is_object_black), 255, 0).astype(np.uint8)))
    if not mask.part.any():
        raise PhotoError(f"has a mask of your own, {file.name}, that keeps nothing; paint what is to be kept white")
    return AdoptedMask(mask, is_either)


def inverted(files: Sequence[MaskFile], threshold: int) -> tuple[int, int]:
    """Returns how many of a few masks look inverted, and how many were looked at, spread evenly over all.

    Those that cannot be read are looked at and look like nothing.
    """
    chosen = spread(files, _LOOKED_AT)
    return sum(_is_inverted(file, threshold) for file in chosen), len(chosen)


def _is_inverted(file: MaskFile, threshold: int) -> bool:
    try:
        return looks_inverted(_keep(_read(file).image, threshold, is_object_black=False))
    except PhotoError:
        return False


def _keep(image: Image.Image, threshold: int, is_object_black: bool) -> NDArray[np.bool_]:
    values = np.asarray(image)
    return (255 - values if is_object_black else values) >= threshold


def _laid_over(file: MaskFile, grey: _Grey, size: tuple[int, int], turn: int) -> tuple[Image.Image, bool]:
    """A mask in the grid of a photo's stored pixels, still at its own size; and whether it could be upright as well."""
    upright_size = to_upright(Image.new("1", size), turn).size
    if grey.turn != 1:
        upright = to_upright(grey.image, grey.turn)
        if has_same_shape(upright.size, upright_size):
            return to_stored(upright, turn), False
    if has_same_shape(grey.image.size, size):
        return grey.image, grey.turn == 1 != turn and has_same_shape(grey.image.size, upright_size)
    if has_same_shape(grey.image.size, upright_size):
        return to_stored(grey.image, turn), False
    raise PhotoError(
        f"has {size[0]} × {size[1]} pixels and a mask of your own, {file.name}, of another shape, "
        f"{grey.image.width} × {grey.image.height}{_ADVICE}"
    )


def _read(file: MaskFile) -> _Grey:
    """Raises PhotoError."""
    try:
        with Image.open(io.BytesIO(file.path.read_bytes()), formats=_FORMATS) as image:
            if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
                raise PhotoError(
                    f"has a mask of your own, {file.name}, that claims {image.width} × {image.height} pixels{_ADVICE}"
                )
            by_pillow = turn_by_pillow(image)
            image.load()
            grey = to_stored(as_grey(image), by_pillow)
            # After load: Pillow finds a PNG's EXIF only then where it follows the pixels.
            turn = by_pillow if image.format == "TIFF" else orientation(image)
    except UnidentifiedImageError as error:
        raise PhotoError(f"has a mask of your own, {file.name}, that is no picture; save it as PNG") from error
    except DAMAGED as error:
        raise PhotoError(
            f"has a mask of your own, {file.name}, that cannot be read ({error}); save it again as PNG"
        ) from error
    if share_between(np.asarray(grey)) > _NO_MASK:
        raise PhotoError(
            f"has {file.name} beside it, which is named like a mask and is none: most of it is neither black nor "
            "white; move it elsewhere, or give it another name"
        )
    return _Grey(grey, turn)
