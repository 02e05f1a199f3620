# SPDX-License-Identifier: GPL-3.0-or-later
"""What is white in a mask, however a program has saved it: as greys or colors, as labels, as transparency."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

_DARK, _BRIGHT = 48, 207
"""Greys up to the first are black, from the second on white; what lies between is neither."""
_PICTURE = 0.1
"""Colors of which more than this share is neither are a picture's, cut out by its alpha."""
_SEEN = 128
"""Alpha from this on is seen."""


def as_grey(mask: Image.Image) -> Image.Image:
    """A mask as a person may have saved it, in mode L.

    Transparency is black, and colors count where they are those of a mask: what a paint program erased is not kept,
    whatever color it still has. Where they are of one color, or a picture's, transparency alone is the mask; where it
    is the same all over, the colors alone. Of 16 bits the upper ones count, where they are used; of 32 the brightest is
    white. A mask with two values, such as the labels 0 and 1, has its darker one black and its brighter one white.
    """
    grey = _with_transparency(mask) if mask.has_transparency_data else _without(mask)
    if grey.getcolors(2) is None:
        return grey
    values = np.asarray(grey)
    darker, brighter = int(values.min()), int(values.max())
    return Image.fromarray(np.uint8((values == brighter) * 255)) if darker < min(brighter, _DARK) else grey


def share_between(values: NDArray[np.uint8]) -> float:
    """Returns the share of greys that are neither black nor white, 0 to 1."""
    return float(((values > _DARK) & (values < _BRIGHT)).mean())


def _without(mask: Image.Image) -> Image.Image:
    if mask.mode.startswith("I;16"):
        values = np.asarray(mask)
        return Image.fromarray((values >> 8 if values.max() > 255 else values).astype(np.uint8))
    if mask.mode in {"I", "F"}:
        values = np.nan_to_num(np.asarray(mask, dtype=np.float32), posinf=0, neginf=0)
        return Image.fromarray(np.uint8(np.clip(values / max(float(values.max()), 1e-9), 0, 1) * 255))
    return mask.convert("L")


def _with_transparency(mask: Image.Image) -> Image.Image:
    layers = mask.convert("RGBA")  # a palette, a key color or a channel: all the same from here on
    colors, alpha = layers.convert("L"), layers.getchannel("A")
    values = np.asarray(alpha)
    least, most = int(values.min()), int(values.max())
    if least == most:
        return colors if most else alpha
    seen = np.asarray(colors)[values >= _SEEN]
    if not seen.size or share_between(seen) > _PICTURE:
        return alpha
    # Black alone is a silhouette, or a dark thing that was cut out; unless white is what is transparent.
    is_white_hidden = seen.min() == seen.max() and np.asarray(colors).max() >= _BRIGHT
    return alpha if seen.max() <= _DARK and not is_white_hidden else ImageChops.multiply(colors, alpha)
