# SPDX-License-Identifier: GPL-3.0-or-later
"""From a soft mask to the mask an engine reads: turned back, scaled up, thresholded, written as PNG."""

import io

from PIL import Image

from .photos import to_stored


def read_soft_mask(content: bytes, size: tuple[int, int]) -> Image.Image:
    """Decode a server's answer and check that it is one mask for a picture of ``size`` (width, height).

    Raises ValueError saying what is wrong: the caller knows whether to ask again.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=("PNG",))
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError("the mask cannot be decoded (not a PNG)") from error
    if image.mode != "L":
        raise ValueError(f"the mask has the channels {image.mode}, not one")
    if image.width == size[0] and image.height > size[1] and image.height % size[1] == 0:
        raise ValueError(f"the model answers with {image.height // size[1]} masks stacked, not one")
    if image.size != size:
        raise ValueError(f"the mask is {image.width} × {image.height} pixels, not {size[0]} × {size[1]}")
    # Decoded last: what claims another size may be a bomb.
    try:
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"the mask cannot be decoded ({error})") from error
    return image


def make_mask(soft: Image.Image, orientation: int, stored_size: tuple[int, int], threshold: int) -> Image.Image:
    """The binary mask of a photo, 0 or 255, over its stored pixels.

    ``soft`` is upright at proxy size; ``orientation`` is the photo's EXIF orientation; ``stored_size`` is the width
    and height of its stored pixels. Scaled up while soft, thresholded last: so the edge stays smooth.
    """
    soft = to_stored(soft, orientation)
    if soft.size != stored_size:
        soft = soft.resize(stored_size, Image.Resampling.BICUBIC)
    return soft.point([0] * threshold + [255] * (256 - threshold))


def encode_mask(mask: Image.Image) -> bytes:
    """A mask as an 8-bit, one-channel PNG."""
    buffer = io.BytesIO()
    # Two values in large areas: even level 1 makes a small file of it.
    mask.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def foreground_share(mask: Image.Image) -> float:
    """How much of the picture is kept, 0 to 1."""
    return mask.histogram()[255] / (mask.width * mask.height)
